/*
** Descriptors and addresses. A descriptor is libcurl's or was made by platform_socket_open. No
** function here waits, or reads bytes.
*/
#ifndef TOPAZ_PLATFORM_SOCKET_H
#define TOPAZ_PLATFORM_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor; the same type as libcurl's curl_socket_t. */
#ifdef _WIN32
typedef uintptr_t platform_socket;
#else
typedef int platform_socket;
#endif
#define PLATFORM_NO_SOCKET ((platform_socket)-1)

enum {
  PLATFORM_ADDRESS_MAX = 46, /* bytes of an address as text, with the zero */
  PLATFORM_EXPECTED_MAX = 4  /* descriptors that one call of a library opens without saying so */
};

/* Returns a new socket that child processes do not inherit; PLATFORM_NO_SOCKET: it
** failed. */
platform_socket platform_socket_open(int family, int type, int protocol);
/* Closes a descriptor; 0: success. */
int platform_socket_close(platform_socket fd);
/* Ends both directions, so that a reader sees the end. */
void platform_socket_shut(platform_socket fd);
/* Marks a descriptor as not inherited by programs that this process starts. */
void platform_socket_close_on_exec(platform_socket fd);

/* Whether the number stands for an open descriptor. */
bool platform_socket_is_open(platform_socket fd);
/* Whether the other side has ended the connection; unread bytes may stand before the end, except on
** systems that do not tell that. */
bool platform_socket_has_ended(platform_socket fd);
/* Returns how many bytes have come on the connection so far; 0: the system does not tell. */
uint64_t platform_socket_received(platform_socket fd);
/* Whether there are bytes to read, or the end. */
bool platform_socket_has_unread(platform_socket fd);

/* Both ends of a connection, as libcurl writes them. */
typedef struct {
  char ip[PLATFORM_ADDRESS_MAX], local_ip[PLATFORM_ADDRESS_MAX];
  int port, local_port;
} platform_ends;
/* Fills `ends`. False: the descriptor is not connected, or not by IP; the ports are then 0. */
bool platform_socket_ends(platform_socket fd, platform_ends *ends);

/* Reads an IP address without brackets into `bytes`. Returns its length (4 or 16); 0: not an
** address. */
int platform_read_address(const char *text, unsigned char bytes[16]);

/* Descriptors that a library is about to open without saying so. Zeroed: none. */
typedef struct {
  platform_socket fds[PLATFORM_EXPECTED_MAX];
  bool is_set;
} platform_expected;
/* Notes the numbers that the next descriptors will have. */
void platform_expect(platform_expected *e);
/* Marks what was opened at those numbers as not inherited, and expects no more descriptors. */
void platform_settle(platform_expected *e);

#endif
