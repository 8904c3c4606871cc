// Backups: any bytes are refused or read; rows that were written are read back, however the file is
// cut; a bit that flips anywhere is found.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "store/backup_format.h"

namespace kelpie::fuzz {
namespace {

using store::KeyValue;
using Rows = std::vector<KeyValue>;

struct ReadBack {
  Rows rows;
  bool whole = false;
};

ReadBack read_backup(std::string_view file, size_t piece_bytes) {
  ReadBack back;
  store::BackupDecoder decoder;
  for (size_t at = 0; at < file.size(); at += piece_bytes) {
    decoder.feed(file.substr(at, piece_bytes));
    for (;;) {
      auto part = decoder.next();
      if (!part.ok()) {
        // It stays refused.
        CHECK(!decoder.next().ok() && !decoder.finish().ok());
        return back;
      }
      if (!part->has_value()) {
        break;
      }
      if (auto* rows = std::get_if<Rows>(&**part)) {
        std::move(rows->begin(), rows->end(), std::back_inserter(back.rows));
      }
    }
  }
  back.whole = decoder.finish().ok();
  return back;
}

// Keys and values of the lengths that the input's own bytes say; a block wherever a key is short.
std::pair<Bytes, Rows> write_backup(std::string_view input) {
  std::map<Bytes, Bytes> sorted;
  while (input.size() > 2) {
    const size_t key_bytes = static_cast<unsigned char>(input[0]) % 8;
    const size_t value_bytes = static_cast<unsigned char>(input[1]) % 16;
    input.remove_prefix(2);
    Bytes key(input.substr(0, key_bytes));
    input.remove_prefix(key.size());
    // Keys from there on are the engine's, and in no backup.
    if (key >= store::kKeysEnd) {
      key[0] = 'k';
    }
    sorted[key] = Bytes(input.substr(0, value_bytes));
    input.remove_prefix(std::min(value_bytes, input.size()));
  }
  store::BackupEncoder encoder;
  Bytes file = encoder.begin({.engine = "memory", .version = store::Version(7)});
  Rows all;
  Rows block;
  for (auto& [key, value] : sorted) {
    block.push_back({key, value});
    all.push_back({key, value});
    if (key.size() < 3) {
      file += encoder.rows(std::exchange(block, {}));
    }
  }
  if (!block.empty()) {
    file += encoder.rows(block);
  }
  file += encoder.end();
  return {std::move(file), std::move(all)};
}

void check_backup(std::string_view input) {
  if (input.size() < 4) {
    return;
  }
  const auto number = [&](size_t i) { return static_cast<unsigned char>(input[i]); };
  const size_t piece_bytes = 1 + number(0);
  const size_t flipped_bit = number(1) * size_t{256} + number(2);
  input.remove_prefix(3);
  (void)read_backup(input, piece_bytes);

  auto [file, rows] = write_backup(input);
  const ReadBack back = read_backup(file, piece_bytes);
  CHECK(back.whole && back.rows == rows);
  CHECK(!read_backup(std::string_view(file).substr(0, file.size() - 1), piece_bytes).whole);
  file[flipped_bit / 8 % file.size()] ^= static_cast<char>(1 << (flipped_bit % 8));
  CHECK(!read_backup(file, piece_bytes).whole);
}

}  // namespace
}  // namespace kelpie::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kelpie::fuzz::check_backup(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
