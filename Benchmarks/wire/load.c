/*
 * Load on an echo server, closed loop: each connection is a thread that keeps `depth` calls in flight.
 *
 *     load raw|cowbird SOCKET connections depth payload_bytes milliseconds
 *
 * "raw" sends the payload as it is and waits for as many bytes (to the floor server); "cowbird" calls
 * cowbird.v1.Echo.Unary with libcowbird. Prints one line of JSON: calls per second, and percentiles of the time from
 * handing a call over to having its answer, in microseconds.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../latency.h"
#include "cowbird.h"

enum { DEPTH_MAX = 256 };

struct settings {
  bool cowbird;
  const char *path;
  unsigned connections, depth, payload;
  int64_t until, warm;
};

struct worker {
  const struct settings *settings;
  pthread_t thread;
  uint64_t calls, counts[BUCKETS];
  bool failed;
};

static void record(struct worker *worker, int64_t begin, int64_t end) {
  if (begin < worker->settings->warm) return;
  worker->calls++;
  worker->counts[bucket_of(end - begin)]++;
}

/* ---------------------------------------------------------------------------------------------------- raw */

static bool raw_one(struct worker *worker, int descriptor, char *bytes) {
  size_t size = worker->settings->payload;
  for (int64_t begin = now(); begin < worker->settings->until;) {
    size_t sent = 0, received = 0;
    while (received < size) {
      if (sent < size) {
        ssize_t count = send(descriptor, bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) sent += (size_t)count;
        if (count < 0 && errno != EAGAIN) return false;
      }
      ssize_t count = recv(descriptor, bytes, size, 0);
      if (count <= 0) return false;
      received += (size_t)count;
    }
    int64_t end = now();
    record(worker, begin, end);
    begin = end;
  }
  return true;
}

static bool raw_many(struct worker *worker, int descriptor, char *bytes) {
  const struct settings *settings = worker->settings;
  size_t size = settings->payload, window = size * settings->depth;
  uint64_t begun = 0, ended = 0; /* calls; their bytes are size times as many */
  uint64_t sent = 0, received = 0;
  static _Thread_local int64_t begins[DEPTH_MAX];
  while (now() < settings->until || ended < begun) {
    if (now() < settings->until)
      for (; begun < ended + settings->depth; begun++) begins[begun % settings->depth] = now();
    while (sent < begun * size) {
      size_t left = (size_t)(begun * size - sent);
      ssize_t count = send(descriptor, bytes, left < window ? left : window, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EAGAIN) return false;
      if (count < 0) break;
      sent += (uint64_t)count;
    }
    if (sent < begun * size) {
      struct pollfd poll_ = {descriptor, POLLIN | POLLOUT, 0};
      poll(&poll_, 1, -1);
      if (!(poll_.revents & POLLIN)) continue;
    }
    ssize_t count = recv(descriptor, bytes, window, 0);
    if (count <= 0) return false;
    received += (uint64_t)count;
    int64_t end = now();
    for (; (ended + 1) * size <= received; ended++) record(worker, begins[ended % settings->depth], end);
  }
  return true;
}

static bool raw(struct worker *worker) {
  const struct settings *settings = worker->settings;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, settings->path, sizeof address.sun_path - 1);
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address)) return false;
  char *bytes = calloc(settings->payload, settings->depth);
  bool well = settings->depth == 1 ? raw_one(worker, descriptor, bytes) : raw_many(worker, descriptor, bytes);
  close(descriptor);
  free(bytes);
  return well;
}

/* ------------------------------------------------------------------------------------------------ cowbird */

static bool cowbird_one(struct worker *worker, cowbird_client *client, Cowbird__V1__EchoRequest *request) {
  for (int64_t begin = now(); begin < worker->settings->until;) {
    Cowbird__V1__EchoResponse *response;
    if (cowbird_echo_unary(client, request, NULL, &response) != COWBIRD_OK) return false;
    if (response->payload.len != request->payload.len) return false;
    int64_t end = now();
    record(worker, begin, end);
    begin = end;
  }
  return true;
}

static bool cowbird_many(struct worker *worker, cowbird_client *client, Cowbird__V1__EchoRequest *request) {
  const struct settings *settings = worker->settings;
  cowbird_ticket tickets[DEPTH_MAX];
  int64_t begins[DEPTH_MAX];
  uint64_t begun = 0, ended = 0;
  while (now() < settings->until || ended < begun) {
    if (now() < settings->until)
      for (; begun < ended + settings->depth; begun++) {
        begins[begun % settings->depth] = now();
        if (cowbird_submit_message(client, "cowbird.v1.Echo", "Unary", &request->base, NULL,
                                   &tickets[begun % settings->depth]) != COWBIRD_OK)
          return false;
      }
    if (ended == begun) break;
    cowbird_bytes answer;
    if (cowbird_collect(client, tickets[ended % settings->depth], &answer) != COWBIRD_OK) return false;
    record(worker, begins[ended % settings->depth], now());
    ended++;
  }
  return true;
}

static bool cowbird(struct worker *worker) {
  const struct settings *settings = worker->settings;
  cowbird_options options = {.socket = settings->path};
  cowbird_client *client = cowbird_new(&options);
  Cowbird__V1__EchoRequest request = COWBIRD__V1__ECHO_REQUEST__INIT;
  request.payload.len = settings->payload;
  request.payload.data = calloc(1, settings->payload);
  bool well = settings->depth == 1 ? cowbird_one(worker, client, &request) : cowbird_many(worker, client, &request);
  if (!well) fprintf(stderr, "load: %s\n", cowbird_error_message(client));
  free(request.payload.data);
  cowbird_free(client);
  return well;
}

static void *work(void *context) {
  struct worker *worker = context;
  worker->failed = !(worker->settings->cowbird ? cowbird(worker) : raw(worker));
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 7) return fprintf(stderr, "load raw|cowbird SOCKET connections depth payload milliseconds\n"), 2;
  struct settings settings = {.cowbird = strcmp(arguments[1], "raw") != 0, .path = arguments[2]};
  settings.connections = (unsigned)atoi(arguments[3]);
  settings.depth = (unsigned)atoi(arguments[4]);
  settings.payload = (unsigned)atoi(arguments[5]);
  int64_t span = atoll(arguments[6]) * COWBIRD_MILLISECOND, begin = now();
  if (!settings.connections || !settings.depth || settings.depth > DEPTH_MAX || !settings.payload) return 2;
  settings.warm = begin + span / 5;
  settings.until = begin + span;
  struct worker *workers = calloc(settings.connections, sizeof *workers);
  for (unsigned i = 0; i < settings.connections; i++) {
    workers[i].settings = &settings;
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) return perror("thread"), 1;
  }
  static uint64_t counts[BUCKETS];
  uint64_t calls = 0;
  bool failed = false;
  for (unsigned i = 0; i < settings.connections; i++) {
    pthread_join(workers[i].thread, NULL);
    failed |= workers[i].failed;
    calls += workers[i].calls;
    for (unsigned b = 0; b < BUCKETS; b++) counts[b] += workers[i].counts[b];
  }
  printf("{\"calls\": %llu, \"calls_per_second\": %.0f, \"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f}\n",
         (unsigned long long)calls, (double)calls / ((double)(span - span / 5) / 1e9), percentile(counts, calls, 0.5),
         percentile(counts, calls, 0.99), percentile(counts, calls, 0.999));
  free(workers);
  return failed;
}
