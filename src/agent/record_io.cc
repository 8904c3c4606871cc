#include "agent/record_io.h"

#include <algorithm>
#include <iterator>

#include "async/sleep.h"
#include "codec/tuple.h"
#include "store/keys.h"

namespace kelpie::agent {

using store::KeyRange;
using store::KeyValue;
using store::RangePage;
using store::RangeRead;

namespace {

Result<void> check_length(std::string_view text, std::string_view what, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return base::invalid_argument(std::string(what) + " of " + std::to_string(text.size()) +
                                  " bytes, at most " + std::to_string(bytes_max) + " are allowed");
  }
  return kOk;
}

Result<codec::TupleElement> last_element(ByteView key) {
  auto elements = codec::unpack_tuple(key);
  if (!elements.ok() || elements->empty()) {
    return base::data_loss("a stored index key is not a tuple");
  }
  return std::move(elements->back());
}

}  // namespace

Result<void> check_id(std::string_view id, std::string_view what) {
  if (id.empty()) {
    return base::invalid_argument(std::string(what) + " is empty");
  }
  return check_length(id, what, kRecordIdBytesMax);
}

Result<void> check_name(std::string_view name, std::string_view what) {
  return check_length(name, what, kRecordNameBytesMax);
}

Result<std::string> last_string(ByteView key) {
  codec::TupleElement last = TRY(last_element(key));
  if (!last.is_string()) {
    return base::data_loss("a stored index key does not end with an id");
  }
  return std::move(last.bytes);
}

Result<int64_t> last_integer(ByteView key) {
  const codec::TupleElement last = TRY(last_element(key));
  if (!last.is_integer()) {
    return base::data_loss("a stored index key does not end with a number");
  }
  return last.number;
}

Task<std::optional<Bytes>> RecordIo::value(Bytes key) {
  co_return co_await store::get_chunked(transaction_, std::move(key), isolation_);
}

Task<void> RecordIo::save(Bytes key, Bytes record) {
  co_await store::set_chunked(transaction_, std::move(key), std::move(record));
  co_return kOk;
}

Task<std::optional<Bytes>> RecordIo::row(Bytes key) {
  co_return co_await transaction_.get(std::move(key), isolation_);
}

Task<std::vector<KeyValue>> RecordIo::next_page(RangeRead& read) {
  read.isolation = isolation_;
  RangePage page = co_await transaction_.get_range(read);
  read.range = page.more ? std::move(page.next) : KeyRange();
  if (page.more && loop_ != nullptr) {
    co_await async::yield(*loop_);
  }
  co_return std::move(page.rows);
}

Task<std::vector<KeyValue>> RecordIo::rows(KeyRange range, store::Order order, size_t limit) {
  std::vector<KeyValue> all;
  RangeRead read{.range = std::move(range), .order = order};
  const size_t page_max = read.rows_max;
  while (!read.range.empty() && all.size() < limit) {
    read.rows_max = std::min(page_max, limit - all.size());
    std::vector<KeyValue> page = co_await next_page(read);
    std::ranges::move(page, std::back_inserter(all));
  }
  co_return std::move(all);
}

Task<size_t> RecordIo::count(KeyRange range) {
  size_t count = 0;
  RangeRead read{.range = std::move(range)};
  while (!read.range.empty()) {
    const std::vector<KeyValue> page = co_await next_page(read);
    count += page.size();
  }
  co_return count;
}

Task<void> RecordIo::must_have_agent(std::string agent_id) {
  co_await check_id(agent_id, "an agent's id");
  const std::optional<Bytes> config = co_await row(store::keys::agent_config(agent_id));
  if (!config.has_value()) {
    co_return base::not_found("there is no agent " + agent_id);
  }
  co_return kOk;
}

}  // namespace kelpie::agent
