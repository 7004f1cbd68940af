/*
 * Once warm, a unary call allocates nothing: not in this process, the C client's, and not in the server.
 *
 *     steady_state SOCKET SERVER_COUNT [predict|recommend]
 *
 * Both processes run with counter.c preloaded; SERVER_COUNT is the file with the server's count, COUNT_ALLOCATIONS
 * names our own. With "predict" the server is a daemon, which learns some clicks and is asked for scores, with "recommend"
 * one with retrievers, which is asked for recommendations, too; else it is EchoServer.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../clients/c/tests/testing.h"

enum { CALLS = 5000, DEPTH = 64, CANDIDATES = 100 };

static const volatile uint64_t *count_in(const char *path) {
  int file = open(path, O_RDONLY);
  CHECK(file >= 0);
  void *page = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, file, 0);
  CHECK(page != MAP_FAILED);
  close(file);
  return page;
}

static Cowbird__V1__EchoRequest request_of(size_t size, uint64_t number) {
  static uint8_t payload[60000];
  Cowbird__V1__EchoRequest request = COWBIRD__V1__ECHO_REQUEST__INIT;
  request.payload.data = payload;
  request.payload.len = size;
  request.number = number;
  return request;
}

static void echo_one_by_one(cowbird_client *client) {
  static const size_t sizes[] = {0, 1, 150, 1024, 16384, 60000};
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__EchoRequest request = request_of(sizes[(size_t)i % (sizeof sizes / sizeof *sizes)], (uint64_t)i);
    Cowbird__V1__EchoResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, NULL, &response));
    CHECK(response->number == (uint64_t)i && response->payload.len == request.payload.len);
  }
}

static void echo_with_a_deadline(cowbird_client *client) {
  cowbird_call_options options = {.timeout_nanos = 3600 * COWBIRD_SECOND};
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__EchoRequest request = request_of(150, 0);
    Cowbird__V1__EchoResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_echo_unary(client, &request, &options, &response));
  }
}

static void echo_many_in_flight(cowbird_client *client) {
  cowbird_ticket tickets[DEPTH];
  cowbird_bytes answer;
  for (int round = 0; round < CALLS / DEPTH; round++) {
    for (int i = 0; i < DEPTH; i++) {
      Cowbird__V1__EchoRequest request = request_of(150, 0);
      EXPECT(client, COWBIRD_OK,
             cowbird_submit_message(client, "cowbird.v1.Echo", "Unary", &request.base, NULL, &tickets[i]));
    }
    for (int i = DEPTH - 1; i >= 0; i--) EXPECT(client, COWBIRD_OK, cowbird_collect(client, tickets[i], &answer));
  }
}

static void check_health(cowbird_client *client) {
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__HealthCheckRequest request = COWBIRD__V1__HEALTH_CHECK_REQUEST__INIT;
    Cowbird__V1__HealthCheckResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_health_check(client, &request, NULL, &response));
  }
}

static char items[CANDIDATES][16];
static uint64_t asked_from; /* these clicks are learned */

/* Every other item was clicked by the one who asks: half of what is scored has rows. */
static void learn_clicks(cowbird_client *client) {
  Cowbird__V1__Event events[CANDIDATES / 2], *pointers[CANDIDATES / 2];
  Cowbird__V1__Interaction clicks[CANDIDATES / 2];
  for (int i = 0; i < CANDIDATES; i++) snprintf(items[i], sizeof items[i], "item-%d", i);
  for (int i = 0; i < CANDIDATES / 2; i++) {
    cowbird__v1__interaction__init(&clicks[i]);
    clicks[i].type = (char *)"click";
    clicks[i].user = (char *)"ann";
    clicks[i].item = items[2 * i];
    cowbird__v1__event__init(&events[i]);
    events[i].kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
    events[i].interaction = &clicks[i];
    pointers[i] = &events[i];
  }
  Cowbird__V1__AppendRequest request = COWBIRD__V1__APPEND_REQUEST__INIT;
  request.events = pointers;
  request.n_events = CANDIDATES / 2;
  Cowbird__V1__AppendResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_ingest_append(client, &request, NULL, &response));
  CHECK(response->accepted == CANDIDATES / 2);
  asked_from = response->last_offset;
}

static void score(cowbird_client *client) {
  Cowbird__V1__Candidate candidates[CANDIDATES], *pointers[CANDIDATES];
  for (int i = 0; i < CANDIDATES; i++) {
    cowbird__v1__candidate__init(&candidates[i]);
    candidates[i].item = items[i];
    pointers[i] = &candidates[i];
  }
  Cowbird__V1__Freshness freshness = COWBIRD__V1__FRESHNESS__INIT;
  freshness.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET;
  freshness.min_offset = asked_from;
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__ScoreRequest request = COWBIRD__V1__SCORE_REQUEST__INIT;
    request.freshness = &freshness;
    request.user = (char *)"ann";
    request.candidates = pointers;
    request.n_candidates = CANDIDATES;
    Cowbird__V1__ScoreResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_predict_score(client, &request, NULL, &response));
    CHECK(response->n_scores == CANDIDATES);
  }
}

/* A user with a history, and one of whom nothing is known. */
static void recommend_to(cowbird_client *client, const char *user) {
  Cowbird__V1__Freshness freshness = COWBIRD__V1__FRESHNESS__INIT;
  freshness.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET;
  freshness.min_offset = asked_from;
  for (int i = 0; i < CALLS; i++) {
    Cowbird__V1__RecommendRequest request = COWBIRD__V1__RECOMMEND_REQUEST__INIT;
    request.freshness = &freshness;
    request.user = (char *)user;
    request.k = 10;
    request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE;
    Cowbird__V1__RecommendResponse *response;
    EXPECT(client, COWBIRD_OK, cowbird_predict_recommend(client, &request, NULL, &response));
    CHECK(response->n_items == 10);
  }
}

static void recommend(cowbird_client *client) { recommend_to(client, "ann"); }
static void recommend_to_a_stranger(cowbird_client *client) { recommend_to(client, "nobody-yet"); }

struct scenario {
  const char *name;
  void (*run)(cowbird_client *client);
};

int main(int count, char **arguments) {
  CHECK(count >= 3 && getenv("COUNT_ALLOCATIONS"));
  static const struct scenario echo[] = {{"one by one, of six sizes", echo_one_by_one},
                                         {"with a deadline", echo_with_a_deadline},
                                         {"64 in flight", echo_many_in_flight},
                                         {"Health.Check", check_health},
                                         {NULL, NULL}};
  static const struct scenario predict[] = {{"Predict.Score of 100", score}, {NULL, NULL}};
  static const struct scenario recommendations[] = {{"Predict.Score of 100", score},
                                                    {"Predict.Recommend, top 10", recommend},
                                                    {"Recommend to a stranger", recommend_to_a_stranger},
                                                    {NULL, NULL}};
  const volatile uint64_t *server = count_in(arguments[2]), *own = count_in(getenv("COUNT_ALLOCATIONS"));
  cowbird_options options = {.socket = arguments[1]};
  cowbird_client *client = cowbird_new(&options);
  bool none = true;
  if (count > 3) learn_clicks(client);
  const struct scenario *scenario = count == 3 ? echo : arguments[3][0] == 'p' ? predict : recommendations;
  for (; scenario->name; scenario++) {
    /* Buffers grow to the deepest queue there ever was, which a busy machine may show late: nothing in a whole round,
     * the second to the sixth. A call that allocates does so in each. */
    uint64_t by_server = 1, by_client = 1;
    scenario->run(client);
    for (int round = 0; round < 5 && (by_server || by_client); round++) {
      uint64_t server_before = *server, own_before = *own;
      CHECK(server_before > 0 && own_before > 0); /* both are really counted */
      scenario->run(client);
      by_server = *server - server_before;
      by_client = *own - own_before;
    }
    printf("  %-26s %d calls: %llu allocations in the server, %llu in the client\n", scenario->name, CALLS,
           (unsigned long long)by_server, (unsigned long long)by_client);
    if (by_server || by_client) none = false;
  }
  cowbird_free(client);
  return none ? 0 : 1;
}
