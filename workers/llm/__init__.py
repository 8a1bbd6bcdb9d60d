"""Model calls: providers behind one protocol, one event loop per process, one owner of retries."""
