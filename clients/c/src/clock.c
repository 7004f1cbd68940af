/* Moments, deadlines and pauses. */
#include <time.h>

#include "internal.h"

deadline now_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (deadline)time.tv_sec * COWBIRD_SECOND + time.tv_nsec;
}

deadline client_deadline(const cowbird_client *client, int64_t timeout_nanos) {
  if (timeout_nanos == 0) timeout_nanos = client->options.timeout_nanos;
  if (timeout_nanos <= 0) return NO_DEADLINE;
  deadline now = now_nanos();
  return timeout_nanos > NO_DEADLINE - 1 - now ? NO_DEADLINE : now + timeout_nanos;
}

int64_t client_backoff(cowbird_client *client, unsigned failures) {
  int64_t pause = client->options.backoff_first_nanos;
  for (unsigned i = 1; i < failures && pause < client->options.backoff_max_nanos; i++) pause *= 2;
  if (pause > client->options.backoff_max_nanos) pause = client->options.backoff_max_nanos;
  client->random = client->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return pause / 2 + (int64_t)((client->random >> 33) % ((uint64_t)pause / 2 + 1));
}
