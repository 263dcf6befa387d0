-- What the shell calls the interpreter in which specs start scripts: that of `make LUA=…`,
-- else the one of this version.
return os.getenv "LUA" or "lua" .. _VERSION:match "%d.%d"
