#include "sim/messages/account_log.h"

#include <utility>

#include "codec/tuple.h"

namespace kelpie::sim {
namespace {

constexpr size_t kFields = 5;

}  // namespace

int64_t AccountLog::balance() const {
  int64_t sum = 0;
  for (const AccountEntry& entry : entries) {
    switch (entry.event) {
      case AccountEvent::kDeposited:
      case AccountEvent::kReceived:
      case AccountEvent::kCredited:
        sum += entry.amount;
        break;
      case AccountEvent::kSent:
      case AccountEvent::kPaid:
        sum -= entry.amount;
        break;
      case AccountEvent::kArmed:
      case AccountEvent::kFired:
      case AccountEvent::kCancelled:
        break;
    }
  }
  return sum;
}

Bytes AccountLog::encode() const {
  codec::TuplePacker packer;
  for (const AccountEntry& entry : entries) {
    packer.integer(static_cast<int64_t>(entry.event))
        .string(entry.id)
        .string(entry.peer)
        .integer(entry.amount)
        .integer(entry.when_ns);
  }
  return std::move(packer).take();
}

Result<AccountLog> AccountLog::decode(ByteView bytes) {
  AccountLog log;
  if (bytes.empty()) {
    return log;
  }
  auto elements = TRY(codec::unpack_tuple(bytes));
  if (elements.size() % kFields != 0) {
    return base::data_loss("an account's log is cut short");
  }
  for (size_t at = 0; at < elements.size(); at += kFields) {
    if (!elements[at].is_integer() || !elements[at + 1].is_string() ||
        !elements[at + 2].is_string() || !elements[at + 3].is_integer() ||
        !elements[at + 4].is_integer()) {
      return base::data_loss("an account's log has an unknown format");
    }
    log.entries.push_back({static_cast<AccountEvent>(elements[at].number), elements[at + 1].bytes,
                           elements[at + 2].bytes, elements[at + 3].number,
                           elements[at + 4].number});
  }
  return log;
}

}  // namespace kelpie::sim
