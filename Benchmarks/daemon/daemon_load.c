/*
 * Load on a daemon that was started with shop.yaml, by libcowbird.
 *
 *     daemon_load fill SOCKET entities=N events=N      users, items and their attributes; then events, as fast as they go
 *     daemon_load ingest SOCKET rate=N ms=N            Ingest.Stream, durable, at a rate
 *     daemon_load ingest SOCKET events=N               the same, as fast as it goes
 *     daemon_load score SOCKET candidates=N ms=N       Score, one after the other
 *     daemon_load visible SOCKET ms=N                  an event, then its user's score from a model that holds it
 *     daemon_load recommend SOCKET k=N ms=N            Recommend, one after the other
 *
 * Prints one line of JSON. Times in microseconds, from handing a call over to having its answer; the first fifth warms up
 * and is not counted. Options: users, items, seed, batch (events a message), pause_us (between calls; 0: none). Users and items are asked for as in life: a few
 * often, most seldom (Zipf).
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../latency.h"
#include "cowbird.h"

enum { CANDIDATES_MAX = 1000, BATCH_MAX = 10000, ATTRIBUTES = 3 };

static struct {
  int64_t users, items, seed, events, rate, ms, batch, candidates, pause_us, k, durability;
} options = {.users = 200000, .items = 20000, .seed = 1, .events = 0, .ms = 2000, .batch = 1000, .candidates = 1, .k = 10,
             .durability = COWBIRD__V1__DURABILITY__DURABILITY_DURABLE};

static const struct {
  const char *name;
  int64_t *value;
} names[] = {{"users", &options.users},   {"items", &options.items}, {"seed", &options.seed},
             {"events", &options.events}, {"rate", &options.rate},   {"ms", &options.ms},
             {"batch", &options.batch},   {"candidates", &options.candidates},
             {"pause_us", &options.pause_us}, {"k", &options.k}, {"durability", &options.durability}};

/* ------------------------------------------------------------------------------------------------- numbers */

static uint64_t state;

/* SplitMix64. */
static uint64_t draw(void) {
  uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static uint64_t below(int64_t bound) { return (uint64_t)(((unsigned __int128)draw() * (uint64_t)bound) >> 64); }

/* The log of an index is uniform (Zipf's law with exponent 1): a few are asked for often, most seldom. */
static uint64_t popular(int64_t bound) {
  double share = (double)(draw() >> 11) * 0x1p-53;
  uint64_t rank = (uint64_t)exp(share * log((double)bound + 1)) - 1;
  return rank < (uint64_t)bound ? rank : (uint64_t)bound - 1;
}

static uint64_t calls, counts[BUCKETS];

static void count(int64_t nanos) {
  calls++;
  counts[bucket_of(nanos)]++;
}

static void print_times(const char *more) {
  printf("{\"calls\": %llu, \"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f%s}\n", (unsigned long long)calls,
         percentile(counts, calls, 0.5), percentile(counts, calls, 0.99), percentile(counts, calls, 0.999), more);
}

static void sleep_until(int64_t nanos) {
  struct timespec time = {nanos / COWBIRD_SECOND, nanos % COWBIRD_SECOND};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)) continue;
}

static int fail(cowbird_client *client) {
  fprintf(stderr, "daemon_load: %s: %s\n", cowbird_code_name(cowbird_error_code(client)),
          cowbird_error_message(client));
  return 1;
}

/* -------------------------------------------------------------------------------------------------- events */

/* An event with room for all that it points to. */
struct slot {
  Cowbird__V1__Event event;
  Cowbird__V1__Interaction interaction;
  Cowbird__V1__EntityChange entity;
  Cowbird__V1__Attribute attributes[ATTRIBUTES], *pointers[ATTRIBUTES];
  char user[16], item[16], texts[ATTRIBUTES][16];
};

static struct slot *slots;
static Cowbird__V1__Event **events;

static void make_slots(void) {
  slots = calloc(BATCH_MAX, sizeof *slots);
  events = calloc(BATCH_MAX, sizeof *events);
  for (int i = 0; i < BATCH_MAX; i++) {
    struct slot *slot = &slots[i];
    events[i] = &slot->event;
    cowbird__v1__event__init(&slot->event);
    cowbird__v1__interaction__init(&slot->interaction);
    cowbird__v1__entity_change__init(&slot->entity);
    slot->interaction.user = slot->user;
    slot->interaction.item = slot->item;
    slot->entity.id = slot->user;
    slot->entity.action = COWBIRD__V1__ENTITY_CHANGE__ACTION__ACTION_SET;
    for (int a = 0; a < ATTRIBUTES; a++) {
      cowbird__v1__attribute__init(&slot->attributes[a]);
      slot->attributes[a].value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT;
      slot->attributes[a].text = slot->texts[a];
      slot->pointers[a] = &slot->attributes[a];
    }
  }
}

static void put(char *text, char kind, uint64_t number) {
  char digits[20];
  int length = 0;
  do digits[length++] = (char)('0' + number % 10);
  while (number /= 10);
  *text++ = kind;
  while (length) *text++ = digits[--length];
  *text = 0;
}

static void set(struct slot *slot, int place, const char *name, char kind, uint64_t number) {
  slot->attributes[place].name = (char *)name;
  put(slot->texts[place], kind, number);
}

/* A user or an item with its attributes: the users first. */
static void make_entity(struct slot *slot, int64_t number) {
  bool is_user = number < options.users;
  if (!is_user) number -= options.users;
  put(slot->user, is_user ? 'u' : 'i', (uint64_t)number);
  slot->event.kind_case = COWBIRD__V1__EVENT__KIND_ENTITY;
  slot->event.entity = &slot->entity;
  slot->entity.entity = is_user ? COWBIRD__V1__ENTITY_KIND__ENTITY_KIND_USER : COWBIRD__V1__ENTITY_KIND__ENTITY_KIND_ITEM;
  slot->entity.attributes = slot->pointers;
  slot->entity.n_attributes = is_user ? 1 : 2;
  if (is_user) {
    set(slot, 0, "country", 'c', below(100));
  } else {
    set(slot, 0, "category", 'g', below(100));
    set(slot, 1, "brand", 'b', below(1000));
  }
}

static void make_interaction(struct slot *slot, uint64_t user, uint64_t item) {
  put(slot->user, 'u', user);
  put(slot->item, 'i', item);
  slot->event.kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
  slot->event.interaction = &slot->interaction;
  slot->interaction.type = (user ^ item) % 3 ? (char *)"skip" : (char *)"click";
  slot->interaction.context = slot->pointers;
  slot->interaction.n_context = ATTRIBUTES;
  set(slot, 0, "device", 'd', below(10));
  set(slot, 1, "page", 'p', below(50));
  set(slot, 2, "campaign", 'k', below(500));
}

/* ------------------------------------------------------------------------------------------- Ingest.Stream */

struct feed {
  cowbird_stream *stream;
  uint64_t sent, acknowledged, credits, refused;
};

static cowbird_code take(struct feed *feed, bool wait) {
  Cowbird__V1__StreamResponse *answer;
  const ProtobufCMessageDescriptor *kind = &cowbird__v1__stream_response__descriptor;
  cowbird_code code = cowbird_stream_wait_message(feed->stream, wait ? 60 * COWBIRD_SECOND : 0, kind,
                                                  (ProtobufCMessage **)&answer);
  if (code != COWBIRD_OK) return code;
  feed->acknowledged = answer->acknowledged;
  feed->credits = answer->credits;
  feed->refused += answer->n_refusals;
  return COWBIRD_OK;
}

static cowbird_code open_feed(cowbird_client *client, struct feed *feed) {
  cowbird_call_options forever = {.timeout_nanos = -1};
  cowbird_code code = cowbird_ingest_stream(client, &forever, &feed->stream);
  if (code != COWBIRD_OK) return code;
  Cowbird__V1__StreamRequest first = COWBIRD__V1__STREAM_REQUEST__INIT;
  first.durability = (Cowbird__V1__Durability)options.durability;
  code = cowbird_stream_send_message(feed->stream, &first.base);
  return code == COWBIRD_OK ? take(feed, true) : code;
}

static cowbird_code send_batch(struct feed *feed, size_t size) {
  while (feed->sent + size - feed->acknowledged > feed->credits) {
    cowbird_code code = take(feed, true);
    if (code != COWBIRD_OK) return code;
  }
  Cowbird__V1__StreamRequest request = COWBIRD__V1__STREAM_REQUEST__INIT;
  request.events = events;
  request.n_events = size;
  feed->sent += size;
  return cowbird_stream_send_message(feed->stream, &request.base);
}

static cowbird_code settle(struct feed *feed) {
  cowbird_code code = COWBIRD_OK;
  while (code == COWBIRD_OK && feed->acknowledged < feed->sent) code = take(feed, true);
  return code;
}

static cowbird_code send_interactions(struct feed *feed, int64_t size) {
  for (int64_t i = 0; i < size; i++) make_interaction(&slots[i], popular(options.users), popular(options.items));
  return send_batch(feed, (size_t)size);
}

static cowbird_code flush(cowbird_client *client) {
  Cowbird__V1__FlushRequest request = COWBIRD__V1__FLUSH_REQUEST__INIT;
  Cowbird__V1__FlushResponse *answer;
  cowbird_call_options long_time = {.timeout_nanos = 600 * COWBIRD_SECOND};
  return cowbird_update_flush(client, &request, &long_time, &answer);
}

static int fill(cowbird_client *client) {
  struct feed feed = {0};
  if (open_feed(client, &feed) != COWBIRD_OK) return fail(client);
  for (int64_t done = 0, total = options.users + options.items; done < total;) {
    int64_t size = total - done < options.batch ? total - done : options.batch;
    for (int64_t i = 0; i < size; i++) make_entity(&slots[i], done + i);
    if (send_batch(&feed, (size_t)size) != COWBIRD_OK) return fail(client);
    done += size;
  }
  if (settle(&feed) != COWBIRD_OK || flush(client) != COWBIRD_OK) return fail(client);
  int64_t begin = now();
  /* Each user and item alike, so that rows come fast. */
  for (int64_t done = 0; done < options.events; done += options.batch) {
    for (int64_t i = 0; i < options.batch; i++)
      make_interaction(&slots[i], below(options.users), below(options.items));
    if (send_batch(&feed, (size_t)options.batch) != COWBIRD_OK) return fail(client);
  }
  if (settle(&feed) != COWBIRD_OK) return fail(client);
  int64_t durable = now();
  if (flush(client) != COWBIRD_OK) return fail(client);
  double seconds = (double)(durable - begin) / 1e9, learned = (double)(now() - begin) / 1e9;
  printf("{\"events\": %lld, \"refused\": %llu, \"durable_per_second\": %.0f, \"learned_per_second\": %.0f}\n",
         (long long)options.events, (unsigned long long)feed.refused, (double)options.events / seconds,
         (double)options.events / learned);
  return feed.refused > 0;
}

/* What is due, every millisecond at most, or all at once. */
static int ingest(cowbird_client *client) {
  struct feed feed = {0};
  if (open_feed(client, &feed) != COWBIRD_OK) return fail(client);
  int64_t begin = now(), end = begin + options.ms * COWBIRD_MILLISECOND;
  while (feed.sent < (uint64_t)options.events)
    if (send_interactions(&feed, options.batch) != COWBIRD_OK) return fail(client);
  for (int64_t time = begin; options.rate && time < end; time = now()) {
    int64_t due = (int64_t)((double)(time - begin) / 1e9 * (double)options.rate) - (int64_t)feed.sent;
    if (due > options.batch) due = options.batch;
    if (due > 0 && send_interactions(&feed, due) != COWBIRD_OK) return fail(client);
    cowbird_code code = COWBIRD_OK;
    while (code == COWBIRD_OK) code = take(&feed, false);
    if (code != COWBIRD_NOT_YET || cowbird_flush(client, 0) != COWBIRD_OK) return fail(client);
    sleep_until(time + COWBIRD_MILLISECOND);
  }
  if (settle(&feed) != COWBIRD_OK) return fail(client);
  int64_t durable = now();
  if (flush(client) != COWBIRD_OK) return fail(client);
  printf("{\"events\": %llu, \"refused\": %llu, \"durable_per_second\": %.0f, \"learned_per_second\": %.0f}\n",
         (unsigned long long)feed.sent, (unsigned long long)feed.refused,
         (double)feed.sent / ((double)(durable - begin) / 1e9), (double)feed.sent / ((double)(now() - begin) / 1e9));
  return feed.refused > 0;
}

/* ------------------------------------------------------------------------------------------------- Predict */

static char user_text[16], item_texts[CANDIDATES_MAX][16];
static Cowbird__V1__Candidate candidates[CANDIDATES_MAX], *candidate_pointers[CANDIDATES_MAX];

/* A request for a user drawn anew, in the context of the first slot. */
static void make_score(Cowbird__V1__ScoreRequest *request) {
  make_interaction(&slots[0], popular(options.users), 0);
  put(user_text, 'u', popular(options.users));
  for (int64_t i = 0; i < options.candidates; i++) {
    put(item_texts[i], 'i', popular(options.items));
    cowbird__v1__candidate__init(&candidates[i]);
    candidates[i].item = item_texts[i];
    candidate_pointers[i] = &candidates[i];
  }
  cowbird__v1__score_request__init(request);
  request->user = user_text;
  request->context = slots[0].pointers;
  request->n_context = ATTRIBUTES;
  request->candidates = candidate_pointers;
  request->n_candidates = (size_t)options.candidates;
}

static int score(cowbird_client *client) {
  int64_t begin = now(), end = begin + options.ms * COWBIRD_MILLISECOND, warm = begin + (end - begin) / 5;
  for (int64_t time = begin; time < end;) {
    Cowbird__V1__ScoreRequest request;
    Cowbird__V1__ScoreResponse *answer;
    make_score(&request);
    time = now();
    if (cowbird_predict_score(client, &request, NULL, &answer) != COWBIRD_OK) return fail(client);
    int64_t answered = now();
    if (answer->n_scores != request.n_candidates) return 1;
    if (time >= warm) count(answered - time);
    if (options.pause_us) sleep_until(answered + options.pause_us * 1000);
  }
  print_times("");
  return 0;
}

static int visible(cowbird_client *client) {
  int64_t begin = now(), end = begin + options.ms * COWBIRD_MILLISECOND, warm = begin + (end - begin) / 5;
  for (int64_t time = begin; time < end;) {
    make_interaction(&slots[0], popular(options.users), popular(options.items));
    Cowbird__V1__AppendRequest append = COWBIRD__V1__APPEND_REQUEST__INIT;
    Cowbird__V1__AppendResponse *receipt;
    append.events = events;
    append.n_events = 1;
    append.durability = (Cowbird__V1__Durability)options.durability;
    if (cowbird_ingest_append(client, &append, NULL, &receipt) != COWBIRD_OK) return fail(client);
    Cowbird__V1__ScoreRequest request;
    Cowbird__V1__ScoreResponse *answer;
    Cowbird__V1__Freshness freshness = COWBIRD__V1__FRESHNESS__INIT;
    freshness.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET;
    freshness.min_offset = receipt->last_offset;
    make_score(&request);
    request.freshness = &freshness;
    time = now();
    if (cowbird_predict_score(client, &request, NULL, &answer) != COWBIRD_OK) return fail(client);
    int64_t answered = now();
    if (time >= warm) count(answered - time);
    sleep_until(answered + (options.pause_us ? options.pause_us : 2000) * 1000);
  }
  print_times("");
  return 0;
}

static int recommend(cowbird_client *client) {
  int64_t begin = now(), end = begin + options.ms * COWBIRD_MILLISECOND, warm = begin + (end - begin) / 5;
  for (int64_t time = begin; time < end;) {
    Cowbird__V1__RecommendRequest request = COWBIRD__V1__RECOMMEND_REQUEST__INIT;
    Cowbird__V1__RecommendResponse *answer;
    put(user_text, 'u', popular(options.users));
    request.user = user_text;
    request.k = (uint32_t)options.k;
    time = now();
    if (cowbird_predict_recommend(client, &request, NULL, &answer) != COWBIRD_OK) return fail(client);
    int64_t answered = now();
    if (time >= warm) count(answered - time);
  }
  print_times("");
  return 0;
}

/* ---------------------------------------------------------------------------------------------------- main */

static bool read_option(const char *argument) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i].name);
    if (strncmp(argument, names[i].name, length) || argument[length] != '=') continue;
    *names[i].value = atoll(argument + length + 1);
    return true;
  }
  return false;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 3) return fprintf(stderr, "daemon_load fill|ingest|score|visible|recommend SOCKET name=number...\n"), 2;
  for (int i = 3; i < argument_count; i++)
    if (!read_option(arguments[i])) return fprintf(stderr, "daemon_load: %s?\n", arguments[i]), 2;
  if (options.candidates > CANDIDATES_MAX || options.batch > BATCH_MAX) return 2;
  state = (uint64_t)options.seed;
  make_slots();
  cowbird_options client_options = {.socket = arguments[2]};
  cowbird_client *client = cowbird_new(&client_options);
  static const struct {
    const char *name;
    int (*run)(cowbird_client *);
  } modes[] = {{"fill", fill}, {"ingest", ingest}, {"score", score}, {"visible", visible}, {"recommend", recommend}};
  int status = 2;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(arguments[1], modes[i].name)) status = modes[i].run(client);
  cowbird_free(client);
  return status;
}
