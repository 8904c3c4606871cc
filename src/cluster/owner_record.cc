#include "cluster/owner_record.h"

#include <utility>

#include "codec/tuple.h"
#include "store/stored_tuple.h"

namespace kelpie::cluster {
namespace {

// ("1", node, epoch, generation): the first element is the record's format.
constexpr int64_t kOwnerFormat = 1;

constexpr std::string_view kOwnedBy = "the actor is owned by node ";
constexpr std::string_view kAt = " at ";
constexpr std::string_view kAskThere = "; ask there";

}  // namespace

Bytes encode_owner_record(const Fence& owner) {
  static_assert(kGenerationOffset == 0);
  Bytes value(store::Versionstamp::kBytes, '\0');
  value += std::move(codec::TuplePacker()
                         .integer(kOwnerFormat)
                         .string(owner.node().get())
                         .bytes(owner.epoch().get()))
               .take();
  return value;
}

Result<OwnerRecord> decode_owner_record(ByteView value) {
  if (value.size() < store::Versionstamp::kBytes) {
    return base::data_loss("an owner record is shorter than its generation");
  }
  const ByteView stamp = value.substr(0, store::Versionstamp::kBytes);
  auto elements = TRY(store::unpack_stored(value.substr(store::Versionstamp::kBytes)));
  if (elements.size() != 3 || !elements[0].is_integer() || elements[0].number != kOwnerFormat) {
    return base::data_loss("an owner record has an unknown format");
  }
  return OwnerRecord{elements[1].bytes, Epoch(elements[2].bytes), Generation(Bytes(stamp))};
}

Task<std::optional<OwnerRecord>> read_owner(store::Transaction& transaction, Bytes key,
                                            store::Isolation isolation) {
  std::optional<Bytes> value = co_await transaction.get(std::move(key), isolation);
  if (!value.has_value()) {
    co_return std::optional<OwnerRecord>();
  }
  co_return std::optional<OwnerRecord>(co_await decode_owner_record(*value));
}

ClaimDecision decide_claim(const std::optional<OwnerRecord>& record,
                           const std::optional<Epoch>& owner_epoch, const Fence& self) {
  if (!record.has_value()) {
    return ClaimDecision::kTake;
  }
  // A record under an epoch that is gone or replaced belongs to a node that was declared dead.
  const bool owner_lives = owner_epoch.has_value() && *owner_epoch == record->epoch;
  if (!owner_lives) {
    return ClaimDecision::kTake;
  }
  return record->node == self.node().get() ? ClaimDecision::kAlreadyOurs
                                           : ClaimDecision::kOwnedElsewhere;
}

Error owned_elsewhere(const OwnerPlace& owner) {
  std::string text = std::string(kOwnedBy) + owner.node;
  if (!owner.address.empty()) {
    text += std::string(kAt) + owner.address;
  }
  return base::unavailable(text + std::string(kAskThere));
}

std::optional<OwnerPlace> owner_elsewhere(const Error& error) {
  const size_t begin = error.message.find(kOwnedBy);
  const size_t end = error.message.rfind(kAskThere);
  if (error.code != Code::kUnavailable || begin == std::string::npos || end == std::string::npos ||
      end < begin + kOwnedBy.size()) {
    return std::nullopt;
  }
  const size_t from = begin + kOwnedBy.size();
  const std::string place = error.message.substr(from, end - from);
  // An address has no such space in it.
  const size_t at = place.rfind(kAt);
  if (at == std::string::npos) {
    return OwnerPlace{.node = place, .address = {}};
  }
  return OwnerPlace{.node = place.substr(0, at), .address = place.substr(at + kAt.size())};
}

}  // namespace kelpie::cluster
