/* For clang-tidy alone: what it cannot know, that these never return. */
#include <lauxlib.h>
#include <lua.h>

#define NEVER __attribute__((analyzer_noreturn))
int lua_error(lua_State *L) NEVER;
int luaL_error(lua_State *L, const char *format, ...) NEVER;
int luaL_argerror(lua_State *L, int arg, const char *extra) NEVER;
int luaL_typeerror(lua_State *L, int arg, const char *name) NEVER;
int error_misuse(lua_State *L, const char *name, const char *format, ...) NEVER;
#undef NEVER
