/*
 * What a Recommend request can ask for, from C: a daemon with a small shop answers each option as it says.
 *
 *     recommend SOCKET
 *
 * The daemon is run with Tests/EndToEnd/shop.yaml: items have a category and a price. Users keep to one of two
 * categories; item n costs n.
 */
#include <stdbool.h>
#include <unistd.h>

#include "../../clients/c/tests/testing.h"

enum { ITEMS = 40, USERS = 20, CLICKS = 600, START = 1700000000 };

static cowbird_client *client;
static uint64_t asked_from; /* all events are learned */

static int64_t nanos(int64_t seconds) { return (START + seconds) * COWBIRD_SECOND; }

static void append(Cowbird__V1__Event **events, size_t count) {
  Cowbird__V1__AppendRequest request = COWBIRD__V1__APPEND_REQUEST__INIT;
  request.events = events;
  request.n_events = count;
  Cowbird__V1__AppendResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_ingest_append(client, &request, NULL, &response));
  CHECK(response->accepted == count);
  asked_from = response->last_offset;
}

static void open_the_shop(void) {
  static Cowbird__V1__Event events[CLICKS], *pointers[CLICKS];
  static Cowbird__V1__EntityChange items[ITEMS];
  static Cowbird__V1__Attribute attributes[ITEMS][2], *of_item[ITEMS][2];
  static Cowbird__V1__Interaction clicks[CLICKS];
  static char ids[ITEMS][8], users[USERS][8];
  for (int i = 0; i < CLICKS; i++) {
    cowbird__v1__event__init(&events[i]);
    pointers[i] = &events[i];
  }
  for (int i = 0; i < ITEMS; i++) {
    snprintf(ids[i], sizeof ids[i], "i%d", i);
    cowbird__v1__entity_change__init(&items[i]);
    items[i].entity = COWBIRD__V1__ENTITY_KIND__ENTITY_KIND_ITEM;
    items[i].action = COWBIRD__V1__ENTITY_CHANGE__ACTION__ACTION_SET;
    items[i].id = ids[i];
    for (int a = 0; a < 2; a++) {
      cowbird__v1__attribute__init(&attributes[i][a]);
      of_item[i][a] = &attributes[i][a];
    }
    attributes[i][0].name = (char *)"category";
    attributes[i][0].value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT;
    attributes[i][0].text = (char *)(i % 2 ? "odd" : "even");
    attributes[i][1].name = (char *)"price";
    attributes[i][1].value_case = COWBIRD__V1__ATTRIBUTE__VALUE_NUMBER;
    attributes[i][1].number = i;
    items[i].attributes = of_item[i];
    items[i].n_attributes = 2;
    events[i].time_nanos = nanos(0);
    events[i].kind_case = COWBIRD__V1__EVENT__KIND_ENTITY;
    events[i].entity = &items[i];
  }
  append(pointers, ITEMS);
  for (int u = 0; u < USERS; u++) snprintf(users[u], sizeof users[u], "u%d", u);
  for (int i = 0; i < CLICKS; i++) {
    cowbird__v1__interaction__init(&clicks[i]);
    clicks[i].type = (char *)"click";
    clicks[i].user = users[i % USERS];
    /* Ten of the twenty items of the user's category. */
    clicks[i].item = ids[(i * 37 / USERS % 10) * 2 + i % 2];
    events[i].time_nanos = nanos(i);
    events[i].kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
    events[i].interaction = &clicks[i];
  }
  append(pointers, CLICKS);
}

static Cowbird__V1__Freshness freshness;

static Cowbird__V1__RecommendRequest request_of(const char *user, uint32_t k) {
  cowbird__v1__freshness__init(&freshness);
  freshness.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET;
  freshness.min_offset = asked_from;
  Cowbird__V1__RecommendRequest request = COWBIRD__V1__RECOMMEND_REQUEST__INIT;
  request.user = (char *)user;
  request.k = k;
  request.time_nanos = nanos(CLICKS);
  request.freshness = &freshness;
  return request;
}

/* Valid until the next call. */
static const Cowbird__V1__RecommendResponse *ask(const Cowbird__V1__RecommendRequest *request) {
  Cowbird__V1__RecommendResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_predict_recommend(client, request, NULL, &response));
  return response;
}

static int number_of(const Cowbird__V1__Recommendation *item) { return atoi(item->item + 1); }

static size_t count_even(const Cowbird__V1__RecommendResponse *answer) {
  size_t count = 0;
  for (size_t i = 0; i < answer->n_items; i++) count += number_of(answer->items[i]) % 2 == 0;
  return count;
}

static void k_items_come_best_first_and_seen_ones_as_asked(void) {
  Cowbird__V1__RecommendRequest request = request_of("u1", 5);
  const Cowbird__V1__RecommendResponse *answer = ask(&request);
  CHECK(answer->n_items == 5 && strcmp(answer->chain, "personal") == 0 && answer->considered == ITEMS);
  for (size_t i = 0; i < 5; i++) {
    CHECK(i == 0 || answer->items[i]->score <= answer->items[i - 1]->score);
    /* u1 has clicked the odd ones below 20: these are left out by default. */
    CHECK(number_of(answer->items[i]) % 2 == 0 || number_of(answer->items[i]) >= 20);
    CHECK(answer->items[i]->propensity == 1 && answer->items[i]->reason[0]);
  }
  request.k = ITEMS;
  CHECK(ask(&request)->n_items == 30);
  request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY;
  answer = ask(&request);
  CHECK(answer->n_items == 10 && count_even(answer) == 0);
  request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE;
  CHECK(ask(&request)->n_items == ITEMS);
  request.k = 0;
  Cowbird__V1__RecommendResponse *none;
  EXPECT(client, COWBIRD_INVALID_ARGUMENT, cowbird_predict_recommend(client, &request, NULL, &none));
  CHECK(strstr(cowbird_error_message(client), "RecommendRequest.k"));
}

static void filters_and_limits_hold(void) {
  Cowbird__V1__RecommendRequest request = request_of("u1", ITEMS);
  request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE;
  Cowbird__V1__Filter__In in = COWBIRD__V1__FILTER__IN__INIT;
  char *values[] = {(char *)"even"};
  in.attribute = (char *)"category";
  in.values = values;
  in.n_values = 1;
  Cowbird__V1__Filter__Range range = COWBIRD__V1__FILTER__RANGE__INIT;
  range.attribute = (char *)"price";
  range.at_least_presence_case = COWBIRD__V1__FILTER__RANGE__AT_LEAST_PRESENCE_AT_LEAST;
  range.at_least = 30;
  Cowbird__V1__Filter of[2] = {COWBIRD__V1__FILTER__INIT, COWBIRD__V1__FILTER__INIT}, *both[] = {&of[0], &of[1]};
  of[0].kind_case = COWBIRD__V1__FILTER__KIND_IN;
  of[0].in = &in;
  of[1].kind_case = COWBIRD__V1__FILTER__KIND_RANGE;
  of[1].range = &range;
  Cowbird__V1__Filter__All all = COWBIRD__V1__FILTER__ALL__INIT;
  all.filters = both;
  all.n_filters = 2;
  Cowbird__V1__Filter filter = COWBIRD__V1__FILTER__INIT;
  filter.kind_case = COWBIRD__V1__FILTER__KIND_ALL;
  filter.all = &all;
  request.filter = &filter;
  const Cowbird__V1__RecommendResponse *answer = ask(&request);
  CHECK(answer->n_items == 5 && count_even(answer) == 5 && answer->considered == 5);
  for (size_t i = 0; i < 5; i++) CHECK(number_of(answer->items[i]) >= 30);

  range.attribute = (char *)"category";
  Cowbird__V1__RecommendResponse *none;
  EXPECT(client, COWBIRD_INVALID_ARGUMENT, cowbird_predict_recommend(client, &request, NULL, &none));
  CHECK(strstr(cowbird_error_message(client), "filter.all[1].range.attribute"));
  CHECK(strstr(cowbird_error_message(client), "allowed: year, price"));

  request = request_of("u1", 10);
  Cowbird__V1__AttributeLimit limit = COWBIRD__V1__ATTRIBUTE_LIMIT__INIT, *limits[] = {&limit};
  limit.attribute = (char *)"category";
  limit.limit = 3;
  request.limits = limits;
  request.n_limits = 1;
  answer = ask(&request);
  CHECK(answer->n_items == 6 && count_even(answer) == 3);
}

static void boosts_lift_and_exploration_tells_its_propensity(void) {
  Cowbird__V1__RecommendRequest request = request_of("u1", 10);
  Cowbird__V1__Boost boost = COWBIRD__V1__BOOST__INIT, *boosts[] = {&boost};
  boost.expression = (char *)"category == \"even\" and price >= 20 * 1000000";
  request.boosts = boosts;
  request.n_boosts = 1;
  const Cowbird__V1__RecommendResponse *answer = ask(&request);
  CHECK(answer->n_items == 10 && count_even(answer) == 10);
  for (size_t i = 0; i < 10; i++) CHECK(number_of(answer->items[i]) >= 20);

  request = request_of("u1", 10);
  Cowbird__V1__Exploration exploration = COWBIRD__V1__EXPLORATION__INIT;
  exploration.kind = COWBIRD__V1__EXPLORATION__KIND__KIND_EPSILON;
  exploration.epsilon = 1;
  exploration.seed = 7;
  request.exploration = &exploration;
  char first[10][8];
  answer = ask(&request);
  for (size_t i = 0; i < 10; i++) {
    snprintf(first[i], sizeof first[i], "%s", answer->items[i]->item);
    /* Any of the 30 that are left, less one with each place. */
    float share = 1.0f / (30 - (float)i), difference = answer->items[i]->propensity - share;
    CHECK(difference < 1e-5f && difference > -1e-5f);
  }
  answer = ask(&request);
  for (size_t i = 0; i < 10; i++) CHECK(strcmp(first[i], answer->items[i]->item) == 0);
}

static uint64_t status_of(const char *name) {
  Cowbird__V1__StatusRequest request = COWBIRD__V1__STATUS_REQUEST__INIT;
  Cowbird__V1__StatusResponse *response;
  EXPECT(client, COWBIRD_OK, cowbird_update_status(client, &request, NULL, &response));
  for (size_t i = 0; i < response->n_hygiene; i++)
    if (strcmp(response->hygiene[i]->name, name) == 0) return response->hygiene[i]->value;
  return 0;
}

/* What comes to be so within a minute. */
static void wait_for(const char *name, uint64_t value) {
  for (int turn = 0; turn < 6000 && status_of(name) != value; turn++) usleep(10000);
  CHECK(status_of(name) == value);
}

static void an_event_that_names_the_request_is_joined_with_what_was_shown(void) {
  Cowbird__V1__RecommendRequest request = request_of("u1", 4);
  request.log_impressions = true;
  const Cowbird__V1__RecommendResponse *answer = ask(&request);
  char name[64], item[8];
  CHECK(answer->n_items == 4 && strlen(answer->request_id) == 32);
  snprintf(name, sizeof name, "%s", answer->request_id);
  snprintf(item, sizeof item, "%s", answer->items[2]->item);
  wait_for("impressions.remembered", 4);
  CHECK(status_of("impressions.joined") == 0);
  Cowbird__V1__Interaction click = COWBIRD__V1__INTERACTION__INIT;
  Cowbird__V1__Event event = COWBIRD__V1__EVENT__INIT, *events[] = {&event};
  click.type = (char *)"click";
  click.user = (char *)"u1";
  click.item = item;
  click.request_id = name;
  event.time_nanos = nanos(CLICKS + 1);
  event.kind_case = COWBIRD__V1__EVENT__KIND_INTERACTION;
  event.interaction = &click;
  append(events, 1);
  wait_for("impressions.joined", 1);
  /* The click is part of the history now. */
  request = request_of("u1", ITEMS);
  request.seen = COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY;
  answer = ask(&request);
  CHECK(answer->n_items == 11);
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  cowbird_options options = {.socket = arguments[1], .timeout_nanos = 60 * COWBIRD_SECOND};
  client = cowbird_new(&options);
  open_the_shop();
  RUN(k_items_come_best_first_and_seen_ones_as_asked);
  RUN(filters_and_limits_hold);
  RUN(boosts_lift_and_exploration_tells_its_propensity);
  RUN(an_event_that_names_the_request_is_joined_with_what_was_shown);
  cowbird_free(client);
  return 0;
}
