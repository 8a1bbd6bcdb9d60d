// Elements from values. Text is only ever text: nothing here reads markup.

/** Makes an element: `props` are its properties and attributes, `children` elements and texts (null is left out). */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function $(selector, within = document) {
  return within.querySelector(selector);
}

/** Sets an element's text where it differs: a screen reader hears, and a selection loses, only what changed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes a parent's children those of `items`, in their order, keeping the elements of those that stay.
 * `keyOf` names an item, `make` gives its element, `update` (element, item) brings one up to date.
 */
export function sync(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const child = known.get(key) ?? make(item);
    child.dataset.key = key;
    known.delete(key);
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of known.values()) gone.remove();
}

/** Fills a table's body: each row is {key, cells, link?}; a cell is a text, or {text, class?, title?, node?}. */
export function rows(body, items) {
  sync(body, items, (item) => item.key, () => el("tr"), (row, item) => {
    const drawn = JSON.stringify(item);
    if (row.drawn === drawn) return;
    row.drawn = drawn;
    row.replaceChildren(...item.cells.map((cell, column) => {
      const { text, class: kind, title, href } = typeof cell === "object" ? cell : { text: cell };
      const shown = href ? el("a", { href }, text) : text;
      return el(column === 0 && item.head ? "th" : "td", { class: kind, title, scope: column === 0 && item.head ? "row" : null }, shown);
    }));
  });
}
