/* Initializes libcurl, once per process, and describes it. */
#include "private.h"

static platform_once global_once = PLATFORM_ONCE;

/* libcurl is never cleaned up globally, since the host may use it too. The module pins itself:
** QUICK_EXIT leaves a resolver thread behind, and lua_close would unmap the code that this thread
** still runs. */
static void global_init(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  platform_pin(&global_once);
}

void transport_library_init(void) { platform_run_once(&global_once, global_init); }

void transport_about(transport_library *out) {
  const curl_version_info_data *v;
  transport_library_init();
  v = curl_version_info(CURLVERSION_NOW);
  out->version = v->version;
  out->tls = v->ssl_version;
  out->http2 = (v->features & CURL_VERSION_HTTP2) != 0;
  out->async_dns = (v->features & CURL_VERSION_ASYNCHDNS) != 0;
  out->brotli = (v->features & CURL_VERSION_BROTLI) != 0;
  out->zstd = (v->features & CURL_VERSION_ZSTD) != 0;
  out->gzip = (v->features & CURL_VERSION_LIBZ) != 0;
}
