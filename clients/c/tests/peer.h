/* A server that follows a script: a thread of the test that accepts, and plays the script with each connection. */
#ifndef COWBIRD_PEER_H
#define COWBIRD_PEER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"
#include "testing.h"

typedef void peer_script(int connection, int turn);

struct peer {
  char path[108];
  int listener;
  peer_script *script;
  pthread_t thread;
  atomic_int turns; /* connections accepted */
};

static void *peer_run(void *context) {
  struct peer *peer = context;
  sigset_t alarm; /* signals are for the client */
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, NULL);
  for (;;) {
    int connection = accept(peer->listener, NULL, NULL);
    if (connection < 0) return NULL;
    peer->script(connection, atomic_fetch_add(&peer->turns, 1));
    close(connection);
  }
}

static void peer_listen(struct peer *peer) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, peer->path);
  peer->listener = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind(peer->listener, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(listen(peer->listener, 8) == 0);
  CHECK(pthread_create(&peer->thread, NULL, peer_run, peer) == 0);
}

static void peer_start(struct peer *peer, peer_script *script) {
  static int number;
  *peer = (struct peer){.script = script};
  snprintf(peer->path, sizeof peer->path, "/tmp/cowbird-wire-test-%d-%d", getpid(), number++);
  unlink(peer->path);
  peer_listen(peer);
}

static void peer_stop(struct peer *peer) {
  shutdown(peer->listener, SHUT_RDWR);
  pthread_join(peer->thread, NULL);
  close(peer->listener);
  unlink(peer->path);
}

static bool read_fully(int connection, void *to, size_t size) {
  uint8_t *at = to;
  while (size) {
    ssize_t count = read(connection, at, size);
    if (count <= 0) return false;
    at += count;
    size -= (size_t)count;
  }
  return true;
}

/* Reads one frame; false: the client has gone. */
static bool read_frame(int connection, uint8_t *data, struct frame *frame) {
  uint8_t header[FRAME_HEADER_BYTES];
  if (!read_fully(connection, header, sizeof header)) return false;
  frame_read_header(header, frame);
  frame->data = data;
  return read_fully(connection, data, frame->size);
}

static void send_bytes(int connection, const void *bytes, size_t size) {
  for (const uint8_t *at = bytes; size;) {
    ssize_t count = send(connection, at, size, MSG_NOSIGNAL);
    if (count <= 0) return;
    at += count;
    size -= (size_t)count;
  }
}

static inline size_t make_answer(uint8_t *at, uint32_t stream, const char *payload) {
  uint8_t size = (uint8_t)strlen(payload);
  frame_write_header(at, size ? size + 2u : 0, stream, FRAME_RESPONSE, 0);
  at[10] = 2 << 3 | 2;
  at[11] = size;
  memcpy(at + 12, payload, size);
  return size ? size + 12u : 10;
}

static inline void answer(int connection, uint32_t stream, const char *payload) {
  uint8_t bytes[300];
  send_bytes(connection, bytes, make_answer(bytes, stream, payload));
}

#endif
