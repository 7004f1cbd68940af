/*
 * An event for each click, without ever holding up the request.
 *
 * A ring of fixed size and one thread of this program (the library has none): `click_queue_put` returns at once,
 * always; what does not fit is dropped and counted. Every event has an id of its own, so that one that is sent
 * twice, because the connection broke before its answer came, is logged once.
 *
 *     click_queue [SOCKET]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cowbird.h"

enum { CAPACITY = 8192, BATCH = 256, ID_BYTES = 32 };

struct click {
  char user[ID_BYTES], item[ID_BYTES];
  int64_t time_nanos;
};

struct click_queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct click ring[CAPACITY];
  size_t head, count; /* the oldest, and how many */
  uint64_t dropped, delivered, refused;
  bool closing;
  int64_t started_nanos; /* makes the ids of this run its own */
  pthread_t thread;
  cowbird_client *client;
};

static int64_t unix_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * COWBIRD_SECOND + time.tv_nsec;
}

/* Never waits for the daemon. False: the queue was full, and the click is dropped. */
static bool click_queue_put(struct click_queue *queue, const char *user, const char *item) {
  pthread_mutex_lock(&queue->lock);
  bool room = queue->count < CAPACITY;
  if (room) {
    struct click *click = &queue->ring[(queue->head + queue->count++) % CAPACITY];
    snprintf(click->user, sizeof click->user, "%s", user);
    snprintf(click->item, sizeof click->item, "%s", item);
    click->time_nanos = unix_nanos();
    if (queue->count == 1) pthread_cond_signal(&queue->filled);
  } else {
    queue->dropped++;
  }
  pthread_mutex_unlock(&queue->lock);
  return room;
}

/* Sends clicks until the daemon has them; false: it cannot be done (the reason was printed). */
static bool deliver(struct click_queue *queue, const struct click *clicks, size_t count, uint64_t number) {
  static char ids[BATCH][64];
  Cowbird__V1__Event events[BATCH], *pointers[BATCH];
  Cowbird__V1__Interaction interactions[BATCH];
  for (size_t i = 0; i < count; i++) {
    cowbird__v1__interaction__init(&interactions[i]);
    interactions[i].type = (char *)"click";
    interactions[i].user = (char *)clicks[i].user;
    interactions[i].item = (char *)clicks[i].item;
    cowbird__v1__event__init(&events[i]);
    events[i].time_nanos = clicks[i].time_nanos;
    snprintf(ids[i], sizeof ids[i], "web-1-%lld-%llu", (long long)queue->started_nanos,
             (unsigned long long)(number + i));
    events[i].id = ids[i];
    events[i].kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
    events[i].interaction = &interactions[i];
    pointers[i] = &events[i];
  }
  Cowbird__V1__AppendRequest request = COWBIRD__V1__APPEND_REQUEST__INIT;
  request.events = pointers;
  request.n_events = count;
  request.durability = COWBIRD__V1__DURABILITY__DURABILITY_WRITTEN;
  /* Twice is the same as once, because the events have ids. */
  cowbird_call_options options = {.timeout_nanos = 5 * COWBIRD_SECOND, .idempotent = true};
  Cowbird__V1__AppendResponse *response;
  for (int tries = 0; tries < 10; tries++) {
    cowbird_code code = cowbird_ingest_append(queue->client, &request, &options, &response);
    if (code == COWBIRD_OK) {
      queue->delivered += response->accepted + response->n_duplicates;
      queue->refused += response->n_refusals;
      return true;
    }
    fprintf(stderr, "clicks: %s: %s\n", cowbird_code_name(code), cowbird_error_message(queue->client));
    if (code != COWBIRD_UNAVAILABLE && code != COWBIRD_DEADLINE_EXCEEDED && code != COWBIRD_RESOURCE_EXHAUSTED)
      return false;
    struct timespec pause = {1, 0};
    nanosleep(&pause, NULL);
  }
  return false;
}

static void *deliver_all(void *context) {
  struct click_queue *queue = context;
  static struct click batch[BATCH];
  uint64_t number = 0;
  for (;;) {
    pthread_mutex_lock(&queue->lock);
    while (!queue->count && !queue->closing) pthread_cond_wait(&queue->filled, &queue->lock);
    size_t count = queue->count < BATCH ? queue->count : BATCH;
    for (size_t i = 0; i < count; i++) batch[i] = queue->ring[(queue->head + i) % CAPACITY];
    queue->head = (queue->head + count) % CAPACITY;
    queue->count -= count;
    pthread_mutex_unlock(&queue->lock);
    if (!count) return NULL;
    if (!deliver(queue, batch, count, number)) queue->dropped += count;
    number += count;
  }
}

int main(int count, char **arguments) {
  cowbird_options options = {.socket = count > 1 ? arguments[1] : NULL, .reconnect = true};
  static struct click_queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
  queue.started_nanos = unix_nanos();
  queue.client = cowbird_new(&options);
  if (!queue.client || pthread_create(&queue.thread, NULL, deliver_all, &queue)) return 1;
  int64_t begin = unix_nanos();
  for (int i = 0; i < 20000; i++) { /* each of these is a request that somebody waits for */
    char user[ID_BYTES], item[ID_BYTES];
    snprintf(user, sizeof user, "user-%d", i % 100);
    snprintf(item, sizeof item, "item-%d", i % 1000);
    click_queue_put(&queue, user, item);
  }
  int64_t spent = unix_nanos() - begin;
  pthread_mutex_lock(&queue.lock);
  queue.closing = true;
  pthread_cond_signal(&queue.filled);
  pthread_mutex_unlock(&queue.lock);
  pthread_join(queue.thread, NULL);
  printf("20,000 clicks in %.1f ms of the requests' time: %llu delivered, %llu refused, %llu dropped\n",
         (double)spent / 1e6, (unsigned long long)queue.delivered, (unsigned long long)queue.refused,
         (unsigned long long)queue.dropped);
  cowbird_free(queue.client);
  return 0;
}
