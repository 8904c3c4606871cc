#include "store/transaction_limits.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"

namespace kelpie::store {
namespace {

Error over_limit(std::string_view what, size_t size, size_t limit) {
  return base::invalid_argument(std::string(what) + " has " + std::to_string(size) +
                                " bytes, the limit is " + std::to_string(limit));
}

Error engine_key() {
  return base::invalid_argument("keys that start with the byte ff belong to the engine");
}

}  // namespace

std::optional<Error> TransactionLimits::key_error(ByteView key) {
  if (key.size() > base::kKeyBytesMax) {
    return over_limit("a key", key.size(), base::kKeyBytesMax);
  }
  if (key >= kKeysEnd) {
    return engine_key();
  }
  return std::nullopt;
}

std::optional<Error> TransactionLimits::bound_error(ByteView key) {
  // The end of a range may be the key after the largest legal one.
  if (key.size() > base::kKeyBytesMax + 1) {
    return over_limit("a range bound", key.size(), base::kKeyBytesMax);
  }
  if (key > kKeysEnd) {
    return engine_key();
  }
  return std::nullopt;
}

std::optional<Error> TransactionLimits::range_error(const KeyRange& range) {
  std::optional<Error> error = bound_error(range.begin);
  return error ? std::move(error) : bound_error(range.end);
}

bool TransactionLimits::note(std::optional<Error> error) {
  if (error && !violation_) {
    violation_ = std::move(error);
  }
  return !violation_;
}

bool TransactionLimits::write(ByteView key, ByteView value) {
  std::optional<Error> error = key_error(key);
  if (!error && value.size() > base::kValueBytesMax) {
    error = over_limit("a value", value.size(), base::kValueBytesMax);
  }
  bytes_ += 2 * key.size() + 1 + value.size();
  return note(std::move(error));
}

bool TransactionLimits::clear_range(const KeyRange& range) {
  bytes_ += range.begin.size() + range.end.size();
  return conflict(range);
}

bool TransactionLimits::conflict(const KeyRange& range) {
  bytes_ += range.begin.size() + range.end.size();
  return note(range_error(range)) && !range.empty();
}

bool TransactionLimits::stamp(size_t offset, size_t size) {
  std::optional<Error> error;
  if (size < Versionstamp::kBytes || offset > size - Versionstamp::kBytes) {
    error =
        base::invalid_argument("a versionstamp of 10 bytes does not fit at offset " +
                               std::to_string(offset) + " of " + std::to_string(size) + " bytes");
  }
  return note(std::move(error));
}

std::optional<Error> TransactionLimits::violation() const {
  if (violation_) {
    return violation_;
  }
  const size_t limit = std::min(bytes_max_, base::kTransactionBytesMax);
  if (bytes_ > limit) {
    return over_limit("the transaction", bytes_, limit);
  }
  return std::nullopt;
}

}  // namespace kelpie::store
