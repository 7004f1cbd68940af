/* The few words that the tests are written in: no framework, no dependencies. */
#ifndef COWBIRD_TESTING_H
#define COWBIRD_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cowbird.h"

/* Ends the program with the place and the client's message if the claim is false. */
#define CHECK(claim)                                                                   \
  do {                                                                                 \
    if (!(claim)) {                                                                    \
      fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #claim); \
      exit(1);                                                                         \
    }                                                                                  \
  } while (0)

/* Checks what a call returned, and says what the handle tells about it. */
#define EXPECT(client, expected, call)                                                                       \
  do {                                                                                                       \
    cowbird_code code_ = (call);                                                                             \
    if (code_ != (expected)) {                                                                               \
      fprintf(stderr, "%s:%d: %s: %s: %s, not %s (%s)\n", __FILE__, __LINE__, __func__, #call,               \
              cowbird_code_name(code_), cowbird_code_name(expected), cowbird_error_message(client));          \
      exit(1);                                                                                               \
    }                                                                                                        \
  } while (0)

#define RUN(test)               \
  do {                          \
    printf("  %s\n", #test);    \
    fflush(stdout);             \
    test();                     \
  } while (0)

/* A handle for $COWBIRD_SOCKET, with a timeout that no honest server needs. */
static inline cowbird_client *client_for_tests(void) {
  cowbird_options options = {.timeout_nanos = 60 * COWBIRD_SECOND};
  cowbird_client *client = cowbird_new(&options);
  CHECK(client);
  return client;
}

#endif
