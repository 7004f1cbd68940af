/* How a call ended: its code, and words that say what to do. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static const char *const code_names[] = {
    "OK",           "CANCELLED",           "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
    "NOT_FOUND",    "ALREADY_EXISTS",      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "ABORTED",      "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
    "UNAVAILABLE",  "DATA_LOSS",           "UNAUTHENTICATED"};

const char *cowbird_code_name(cowbird_code code) {
  if (code == COWBIRD_END) return "END";
  if (code == COWBIRD_NOT_YET) return "NOT_YET";
  if (code < 0 || (size_t)code >= sizeof code_names / sizeof *code_names) return "UNKNOWN";
  return code_names[code];
}

cowbird_code cowbird_error_code(const cowbird_client *client) { return client->code; }

const char *cowbird_error_message(const cowbird_client *client) { return client->message; }

cowbird_code client_fail(cowbird_client *client, cowbird_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(client->message, sizeof client->message, format, arguments);
  va_end(arguments);
  return client->code = code;
}

cowbird_code client_fail_bytes(cowbird_client *client, int32_t code, cowbird_bytes message) {
  size_t size = message.size;
  if (size >= sizeof client->message) {
    size = sizeof client->message - 1;
    while (size && (message.data[size] & 0xc0) == 0x80) size--; /* not within a character */
  }
  memcpy(client->message, message.data, size);
  client->message[size] = 0;
  return client->code = code > 0 && code <= 16 ? (cowbird_code)code : COWBIRD_UNKNOWN;
}

cowbird_code client_no_memory(cowbird_client *client) {
  return client_fail(client, COWBIRD_RESOURCE_EXHAUSTED, "out of memory in this process");
}
