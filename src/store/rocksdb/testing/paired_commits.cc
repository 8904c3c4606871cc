#include "store/rocksdb/testing/paired_commits.h"

#include <algorithm>
#include <memory>
#include <string>

namespace kelpie::store::testing {
namespace {

constexpr int kCommitsKept = 50;

Bytes number(int value) {
  const Bytes digits = std::to_string(value);
  return Bytes(8 - digits.size(), '0') + digits;
}

}  // namespace

Bytes PairedClient::key(const char* side, int n) const {
  return std::string(side) + "/" + number(id) + "/" + number(n);
}

Bytes PairedClient::value(int n) const {
  return number(n) + Bytes(static_cast<size_t>(n * 37 % 1'500), static_cast<char>('a' + id));
}

Task<void> commit_until_it_fails(Database& database, PairedClient& client,
                                 const OnAcknowledged& acknowledged, Acknowledge when) {
  for (;;) {
    const int n = client.acknowledged + 1;
    const auto transaction = database.begin();
    transaction->set(client.key("left", n), client.value(n));
    transaction->set(client.key("right", n), client.value(n));
    if (n > kCommitsKept) {
      transaction->clear(client.key("left", n - kCommitsKept));
      transaction->clear(client.key("right", n - kCommitsKept));
    }
    if (when == Acknowledge::kEarly) {
      client.acknowledged = n;
      acknowledged(client);
    }
    const Result<Version> committed = co_await transaction->commit().result();
    if (!committed.ok()) {
      co_return kOk;
    }
    if (when == Acknowledge::kAfterTheCommit) {
      client.acknowledged = n;
      acknowledged(client);
    }
  }
}

Task<void> verify(Database& database, PairedClient& client) {
  const auto reader = database.begin();
  const int first = std::max(1, client.acknowledged - kCommitsKept + 1);
  int n = first;
  for (;; ++n) {
    const auto left = co_await reader->get(client.key("left", n));
    const auto right = co_await reader->get(client.key("right", n));
    const std::string which = "commit " + std::to_string(n) + " of client " +
                              std::to_string(client.id) + ", acknowledged up to " +
                              std::to_string(client.acknowledged);
    if (left.has_value() != right.has_value()) {
      co_return base::internal("half a commit: " + which);
    }
    if (left && (*left != client.value(n) || *right != client.value(n))) {
      co_return base::internal("another value: " + which);
    }
    // The oldest may be gone, on both sides, with a commit that was not acknowledged.
    const bool cleared_by_next = n == first && client.acknowledged >= kCommitsKept;
    if (!left && n <= client.acknowledged && !cleared_by_next) {
      co_return base::internal("lost: " + which);
    }
    if (!left && n > client.acknowledged) {
      break;
    }
  }
  client.acknowledged = n - 1;
  co_return kOk;
}

}  // namespace kelpie::store::testing
