// OwnerRecord: who owns an actor, as the store has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/bytes.h"
#include "base/result.h"
#include "cluster/fence.h"
#include "store/database.h"

namespace kelpie::cluster {

struct OwnerRecord {
  std::string node;
  Epoch epoch;
  Generation generation;
};
// With room for the generation, which the commit's versionstamp fills in.
Bytes encode_owner_record(const Fence& owner);
// Where it goes in the value.
inline constexpr size_t kGenerationOffset = 0;
// `data_loss` for another format than a claim writes.
Result<OwnerRecord> decode_owner_record(ByteView value);

Task<std::optional<OwnerRecord>> read_owner(store::Transaction& transaction, Bytes key,
                                            store::Isolation isolation);

// What a claim does with what it read. Pure; explored exhaustively by its test.
enum class ClaimDecision : uint8_t { kTake, kAlreadyOurs, kOwnedElsewhere };
ClaimDecision decide_claim(const std::optional<OwnerRecord>& record,
                           const std::optional<Epoch>& owner_epoch, const Fence& self);

// Where an actor is that another node owns, in the error that says so.
struct OwnerPlace {
  std::string node;
  std::string address;  // empty: not known
  bool operator==(const OwnerPlace&) const = default;
};
// `unavailable`: here; who is asked there may serve it.
Error owned_elsewhere(const OwnerPlace& owner);
// What `owned_elsewhere` was told, if this is such an error, whatever context was put before it.
std::optional<OwnerPlace> owner_elsewhere(const Error& error);

}  // namespace kelpie::cluster
