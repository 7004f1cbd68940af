/*
 * The order of 100 candidates within 20 ms, or the order they have already.
 *
 * A page must not wait for its recommender: when the daemon is slow, away or restarting, the candidates stay in
 * the order in which they came (by popularity, say), and the page says nothing of it.
 *
 *     ranking [SOCKET]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cowbird.h"

enum { CANDIDATES = 100 };

struct ranked {
  const char *item;
  float score;
  int place; /* as it came: equal scores keep their order */
};

static int by_score(const void *a, const void *b) {
  const struct ranked *one = a, *other = b;
  if (one->score != other->score) return one->score < other->score ? 1 : -1;
  return one->place - other->place;
}

/* Orders `items` for the user. False: they stay as they are, because there was no answer in time. */
static bool rank(cowbird_client *client, const char *user, const char *device, struct ranked *items, size_t count,
                 int64_t within_nanos) {
  Cowbird__V1__Candidate candidates[CANDIDATES], *pointers[CANDIDATES];
  for (size_t i = 0; i < count; i++) {
    cowbird__v1__candidate__init(&candidates[i]);
    candidates[i].item = (char *)items[i].item;
    pointers[i] = &candidates[i];
  }
  Cowbird__V1__Attribute attribute = COWBIRD__V1__ATTRIBUTE__INIT, *context[] = {&attribute};
  attribute.name = (char *)"device";
  attribute.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT;
  attribute.text = (char *)device;

  Cowbird__V1__ScoreRequest request = COWBIRD__V1__SCORE_REQUEST__INIT;
  request.user = (char *)user;
  request.context = context;
  request.n_context = 1;
  request.candidates = pointers;
  request.n_candidates = count;
  cowbird_call_options options = {.timeout_nanos = within_nanos};
  Cowbird__V1__ScoreResponse *response;
  cowbird_code code = cowbird_predict_score(client, &request, &options, &response);
  if (code != COWBIRD_OK || response->n_scores != count) {
    fprintf(stderr, "ranking: %s: %s\n", cowbird_code_name(code), cowbird_error_message(client));
    return false;
  }
  for (size_t i = 0; i < count; i++) items[i].score = response->scores[i];
  qsort(items, count, sizeof *items, by_score);
  return true;
}

int main(int count, char **arguments) {
  /* Without reconnect a missing daemon costs nothing but the try. */
  cowbird_options options = {.socket = count > 1 ? arguments[1] : NULL};
  cowbird_client *client = cowbird_new(&options);
  if (!client) return 1;
  char names[CANDIDATES][16];
  struct ranked items[CANDIDATES];
  for (int i = 0; i < CANDIDATES; i++) {
    snprintf(names[i], sizeof names[i], "item-%d", i);
    items[i] = (struct ranked){names[i], 0, i};
  }
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  bool ranked = rank(client, "user-7", "ios", items, CANDIDATES, 20 * COWBIRD_MILLISECOND);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double spent = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
  printf("%s %d candidates in %.2f ms; first: %s, %s, %s\n", ranked ? "ranked" : "kept the order of", CANDIDATES,
         spent, items[0].item, items[1].item, items[2].item);
  cowbird_free(client);
  return 0;
}
