/* The one place where the version stands. */
#ifndef TOPAZ_VERSION
#define TOPAZ_VERSION "0.1.0"
#endif
