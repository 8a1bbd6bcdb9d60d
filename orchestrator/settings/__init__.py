"""Every setting, typed, read once.

Sources, strongest first: arguments, environment, ``triptych.toml``, defaults; an empty environment variable counts
as unset. Read them with :func:`load_settings`, which turns every defect into one ``InvalidSettings`` that names the
variable, says what to do, and never shows a value.
"""

from orchestrator.settings.addresses import masked_url
from orchestrator.settings.file import CONFIG_VARIABLE, MAX_FILE_BYTES, settings_file
from orchestrator.settings.loading import (
    Origin,
    load_settings,
    origins,
    require_model,
    unknown_variables,
)
from orchestrator.settings.model import FOLDER, Settings, default_home, variables
from orchestrator.settings.places import require_keys
from orchestrator.settings.services import ModelName

__all__ = [
    "CONFIG_VARIABLE",
    "FOLDER",
    "MAX_FILE_BYTES",
    "ModelName",
    "Origin",
    "Settings",
    "default_home",
    "load_settings",
    "masked_url",
    "origins",
    "require_keys",
    "require_model",
    "settings_file",
    "unknown_variables",
    "variables",
]
