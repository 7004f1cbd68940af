// Many keys of a table's index at once.

LEVEL void NAME(index_prefetch_n)(const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n) {
  for (size_t i = 0; i < n; i++)
    cowbird_prefetch(cowbird_index_line(directory, shift, cowbird_index_hash(keys[i])));
}

LEVEL void NAME(index_guess_n)(
    const uint64_t *directory, uint64_t shift, const uint64_t *keys, size_t n, uint32_t *ids) {
  for (size_t i = 0; i < n; i++) ids[i] = cowbird_index_guess(directory, shift, keys[i]);
}
