#include "agent/archive_store.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "agent/record_json.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "store/keys.h"

namespace kelpie::agent {

namespace json = boost::json;
namespace keys = store::keys;

namespace {

constexpr size_t kFloatBytes = 4;
static_assert(sizeof(float) == kFloatBytes);

// Floats as base64 of their four bytes, little endian: 5.4 bytes each, where decimals take ten.
std::string encode_floats(const std::vector<float>& numbers) {
  Bytes bytes;
  bytes.reserve(numbers.size() * kFloatBytes);
  for (float number : numbers) {
    const auto bits = std::bit_cast<uint32_t>(number);
    for (size_t i = 0; i < kFloatBytes; ++i) {
      bytes += static_cast<char>(bits >> (8 * i));
    }
  }
  return codec::base64_encode(bytes);
}

Result<std::vector<float>> decode_floats(std::string_view text) {
  const auto bytes = codec::base64_decode(text);
  if (!bytes.ok() || bytes->size() % kFloatBytes != 0) {
    return base::data_loss("a stored embedding is not base64 of floats");
  }
  std::vector<float> numbers;
  for (size_t at = 0; at < bytes->size(); at += kFloatBytes) {
    uint32_t bits = 0;
    for (size_t i = 0; i < kFloatBytes; ++i) {
      bits |= static_cast<uint32_t>(static_cast<unsigned char>((*bytes)[at + i])) << (8 * i);
    }
    numbers.push_back(std::bit_cast<float>(bits));
  }
  return numbers;
}

std::string lower(std::string text) {
  for (char& c : text) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

std::vector<std::string> words_of(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(kSpace); at != std::string::npos;) {
    const size_t end = text.find_first_of(kSpace, at);
    words.push_back(lower(text.substr(at, end - at)));
    at = text.find_first_not_of(kSpace, end);
  }
  return words;
}

bool matches(const ArchiveEntry& entry, const std::vector<std::string>& words,
             const std::vector<std::string>& tags) {
  const std::string text = lower(entry.text);
  return std::ranges::all_of(words, [&](const std::string& word) { return text.contains(word); }) &&
         std::ranges::all_of(tags, [&](const std::string& tag) {
           return std::ranges::find(entry.tags, tag) != entry.tags.end();
         });
}

// The rows of the time index that a query is about.
store::KeyRange range_of(const keys::Table& table, const ArchiveQuery& query) {
  store::KeyRange range = keys::table_times(table);
  if (query.since.has_value()) {
    range.begin = keys::table_time(table, query.since->micros(), "");
  }
  if (query.before.has_value()) {
    range.end = keys::table_time(table, query.before->micros(), "");
  }
  if (query.after.has_value()) {
    narrow(range, keys::table_time(table, query.after->created_micros, query.after->id),
           std::nullopt, store::Order::kReverse);
  }
  return range;
}

}  // namespace

Bytes ArchiveEntry::encode() const {
  json::object object{
      {"format", kRecordFormat}, {"id", id}, {"text", text}, {"created", created_micros}};
  if (!tags.empty()) {
    object["tags"] = array_from(tags);
  }
  if (!embedding.empty()) {
    object["embedding"] = encode_floats(embedding);
  }
  return codec::write_json(object);
}

Result<ArchiveEntry> ArchiveEntry::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "archival entry"));
  ArchiveEntry entry;
  entry.id = text_of(object, "id");
  entry.text = text_of(object, "text");
  entry.tags = texts_of(object, "tags");
  entry.embedding = TRY(decode_floats(text_of(object, "embedding")));
  entry.created_micros = number_of(object, "created");
  return entry;
}

RecordTable<ArchiveEntry> ArchiveStore::table(const std::string& agent_id) const {
  return {io_, keys::agent_archive(agent_id), "archival entry"};
}

Task<std::optional<ArchiveEntry>> ArchiveStore::get(std::string agent_id, std::string entry_id) {
  RecordTable<ArchiveEntry> entries = table(agent_id);
  co_return co_await entries.get(std::move(entry_id));
}

Task<void> ArchiveStore::put(std::string agent_id, ArchiveEntry entry) {
  co_await io_.must_have_agent(agent_id);
  RecordTable<ArchiveEntry> entries = table(agent_id);
  co_await entries.put(std::move(entry));
  co_return kOk;
}

Task<std::vector<ArchiveEntry>> ArchiveStore::list(std::string agent_id, PageRequest page) {
  RecordTable<ArchiveEntry> entries = table(agent_id);
  co_return co_await entries.list(std::move(page));
}

Task<bool> ArchiveStore::erase(std::string agent_id, std::string entry_id) {
  RecordTable<ArchiveEntry> entries = table(agent_id);
  const std::optional<ArchiveEntry> former = co_await entries.erase(std::move(entry_id));
  co_return former.has_value();
}

Task<ArchivePage> ArchiveStore::search(std::string agent_id, ArchiveQuery query) {
  constexpr size_t kRowsPerRead = 50;
  if (query.limit == 0) {
    co_return base::invalid_argument("a search for at most 0 entries, expected 1 or more");
  }
  RecordTable<ArchiveEntry> entries = table(agent_id);
  const std::vector<std::string> words = words_of(query.words);
  store::RangeRead read{.range = range_of(keys::agent_archive(agent_id), query),
                        .rows_max = kRowsPerRead,
                        .order = store::Order::kReverse};
  ArchivePage page;
  size_t looked_at = 0;
  while (!read.range.empty()) {
    const std::vector<store::KeyValue> rows = co_await io_.next_page(read);
    for (const store::KeyValue& row : rows) {
      // Where this row would be looked at beyond a bound, the one before it is where to go on.
      if (page.found.size() >= query.limit || looked_at >= kArchiveScanEntriesMax) {
        co_return std::move(page);
      }
      ArchiveEntry entry = co_await entries.indexed(row.key);
      ++looked_at;
      page.next = ArchiveCursor{entry.created_micros, entry.id};
      if (matches(entry, words, query.tags)) {
        page.found.push_back(std::move(entry));
      }
    }
  }
  page.next.reset();
  co_return std::move(page);
}

}  // namespace kelpie::agent
