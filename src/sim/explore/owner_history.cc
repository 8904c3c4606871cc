#include "sim/explore/owner_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "actor/head.h"
#include "codec/tuple.h"

namespace kelpie::sim {
namespace {

using store::CommitBatch;
using store::Mutation;

std::string hex(ByteView bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

// The registry as the commits so far have made it.
class Registry {
 public:
  Registry(const store::keys::ActorName& actor, cluster::OwnerRecords records)
      : owner_key_(store::keys::owner(actor)),
        head_key_(store::keys::actor_head(actor)),
        records_(records) {}

  std::optional<Failure> add(const CommitBatch& batch) {
    for (const Mutation& mutation : batch.mutations) {
      if (mutation.key == head_key_ && mutation.kind == Mutation::Kind::kSet) {
        if (auto failure = judge_turn(batch.version, mutation.value)) {
          return failure;
        }
      }
    }
    for (const Mutation& mutation : batch.mutations) {
      if (auto failure = apply(mutation)) {
        return failure;
      }
    }
    return std::nullopt;
  }

 private:
  struct Owner {
    Bytes generation;
    Bytes node;
    Bytes epoch;
  };

  std::optional<Failure> judge_turn(store::Version version, const Bytes& value) {
    const Result<actor::Head> head = actor::Head::decode(value);
    if (!head.ok()) {
      return Failure{"S1", "a head cannot be read: " + head.error().to_string()};
    }
    const Bytes& generation = head->generation.get();
    const std::string seen = fmt::format("version {}: turn {} under generation {}", version.get(),
                                         head->turn, hex(generation));
    if (records_ == cluster::OwnerRecords::kNone) {
      const bool stands =
          std::ranges::any_of(epochs_, [&](const auto& each) { return each.second == generation; });
      return stands ? std::nullopt
                    : std::optional(Failure{"S1", seen + ", which is no node's epoch any more"});
    }
    if (!owner_ || owner_->generation != generation) {
      return Failure{"S1", seen + (owner_ ? " while " + owner_->node + " owns the actor under " +
                                                hex(owner_->generation)
                                          : " while nobody owns the actor")};
    }
    const auto epoch = epochs_.find(store::keys::epoch(owner_->node));
    if (epoch == epochs_.end() || epoch->second != owner_->epoch) {
      return Failure{"S1", seen + " by " + owner_->node + ", which had lost its epoch"};
    }
    return std::nullopt;
  }

  std::optional<Failure> apply(const Mutation& mutation) {
    if (mutation.kind == Mutation::Kind::kClearRange) {
      return std::nullopt;
    }
    const bool cleared = mutation.kind == Mutation::Kind::kClear;
    if (mutation.key == owner_key_) {
      if (cleared) {
        owner_.reset();
        return std::nullopt;
      }
      return claimed(mutation.value);
    }
    if (store::keys::epochs().contains(mutation.key)) {
      Bytes& epoch = epochs_[mutation.key];
      if (mutation.value <= epoch) {
        return Failure{"S2", "an epoch did not grow: " + hex(mutation.value)};
      }
      epoch = mutation.value;
    }
    return std::nullopt;
  }

  std::optional<Failure> claimed(ByteView value) {
    constexpr size_t kStamp = store::Versionstamp::kBytes;
    const auto elements = value.size() < kStamp ? base::data_loss("too short")
                                                : codec::unpack_tuple(value.substr(kStamp));
    if (!elements.ok() || elements->size() != 3) {
      return Failure{"S1", "an owner's record cannot be read: " + hex(value)};
    }
    Owner next{Bytes(value.substr(0, kStamp)), (*elements)[1].bytes, (*elements)[2].bytes};
    if (next.generation <= newest_generation_) {
      return Failure{"S2", "a generation did not grow: " + hex(next.generation)};
    }
    newest_generation_ = next.generation;
    owner_ = std::move(next);
    return std::nullopt;
  }

  Bytes owner_key_;
  Bytes head_key_;
  cluster::OwnerRecords records_;
  std::map<Bytes, Bytes> epochs_;
  std::optional<Owner> owner_;
  Bytes newest_generation_;
};

}  // namespace

std::optional<Failure> judge_turns(const std::vector<CommitBatch>& batches,
                                   const store::keys::ActorName& actor,
                                   cluster::OwnerRecords records) {
  Registry registry(actor, records);
  for (const CommitBatch& batch : batches) {
    if (auto failure = registry.add(batch)) {
      return failure;
    }
  }
  return std::nullopt;
}

size_t count_turns(const std::vector<CommitBatch>& batches, const store::keys::ActorName& actor) {
  const Bytes head = store::keys::actor_head(actor);
  size_t turns = 0;
  for (const CommitBatch& batch : batches) {
    turns += static_cast<size_t>(std::ranges::count_if(batch.mutations, [&](const Mutation& each) {
      return each.key == head && each.kind == Mutation::Kind::kSet;
    }));
  }
  return turns;
}

}  // namespace kelpie::sim
