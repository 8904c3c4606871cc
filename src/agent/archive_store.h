// ArchiveStore: an agent's archival entries, over one transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/record_io.h"
#include "agent/record_table.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"

namespace kelpie::agent {

struct ArchiveEntry {
  std::string id;
  std::string text;
  std::vector<std::string> tags;
  std::vector<float> embedding;  // of the text; empty: it has none
  int64_t created_micros = 0;

  [[nodiscard]] int64_t index_micros() const { return created_micros; }
  [[nodiscard]] static std::string index_name() { return {}; }
  [[nodiscard]] Bytes encode() const;
  static Result<ArchiveEntry> decode(ByteView bytes);
};

// How many entries one search looks at, at most.
inline constexpr size_t kArchiveScanEntriesMax = 500;

// Where a search stopped. It needs no entry to be there any more.
struct ArchiveCursor {
  int64_t created_micros = 0;
  std::string id;
};

struct ArchiveQuery {
  // Words, separated by white space: each occurs somewhere in the text, as a part of a word too.
  // Letters of ASCII match in either case, all others as they are.
  std::string words;
  std::vector<std::string> tags;   // the entry has each of them
  std::optional<WallTime> since;   // created then or later
  std::optional<WallTime> before;  // created earlier
  std::optional<ArchiveCursor> after;
  size_t limit = 50;  // at least 1
};

struct ArchivePage {
  std::vector<ArchiveEntry> found;  // newest first; maybe none, although more is left
  // Where to go on: `after` of the next query. Nothing when all was looked at.
  std::optional<ArchiveCursor> next;
};

// Lives no longer than its transaction. Entries lie under their agent's prefix and go with it.
class ArchiveStore {
 public:
  explicit ArchiveStore(RecordIo io) : io_(io) {}

  Task<std::optional<ArchiveEntry>> get(std::string agent_id, std::string entry_id);
  // Writes an entry, also over itself. not_found if there is no such agent.
  Task<void> put(std::string agent_id, ArchiveEntry entry);
  // By time of creation.
  Task<std::vector<ArchiveEntry>> list(std::string agent_id, PageRequest page);
  // False if there was none.
  Task<bool> erase(std::string agent_id, std::string entry_id);
  // A scan: it reads each entry of the time asked for, newest first, until `limit` match or
  // kArchiveScanEntriesMax were read. There is no index of words or tags.
  Task<ArchivePage> search(std::string agent_id, ArchiveQuery query);

 private:
  [[nodiscard]] RecordTable<ArchiveEntry> table(const std::string& agent_id) const;

  RecordIo io_;
};

}  // namespace kelpie::agent
