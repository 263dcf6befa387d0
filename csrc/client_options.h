/* Inside the client room: its options, checked once. */
#ifndef TOPAZ_CLIENT_OPTIONS_H
#define TOPAZ_CLIENT_OPTIONS_H

#include <lua.h>

#include "session.h"

typedef struct {
  const char *base_url;
  transport_options transport;
  session_limits limits;
  double max_rate; /* 0: none */
  bool allow_insecure;
  int on_event, scheduler, share; /* stack indices of the values */
  char agent[128];                /* the default user agent */
} client_settings;

/* Reads the options at `index`: raises on misuse, naming the option. Pushes several values; the
** strings of `out` are valid as long as these values stay on the stack. */
void client_read_options(lua_State *L, int index, client_settings *out);

#endif
