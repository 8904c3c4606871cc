#include "sim/model/idempotency_trace.h"

#include <algorithm>
#include <utility>

#include "actor/head.h"
#include "sim/model/stored_keys.h"
#include "store/exactly_once.h"

namespace kelpie::sim {

void IdempotencyTrace::judge(std::optional<Failure> failure) {
  if (failure && !failure_) {
    failure_ = Failure{failure->oracle,
                       "version " + std::to_string(version_.get()) + ": " + failure->message};
  }
}

void IdempotencyTrace::batch(const store::CommitBatch& batch) {
  version_ = batch.version;
  for (const store::Mutation& write : batch.mutations) {
    switch (write.kind) {
      case store::Mutation::Kind::kSet:
        set(write.key, write.value);
        break;
      case store::Mutation::Kind::kClear:
        records_.forget(write.key);
        break;
      case store::Mutation::Kind::kClearRange:
        records_.forget({write.key, write.value});
        break;
    }
  }
}

void IdempotencyTrace::set(const Bytes& key, const Bytes& value) {
  const bool recorded = std::ranges::any_of(
      options_.records, [&](const store::KeyRange& range) { return range.contains(key); });
  if (recorded) {
    ++counters_.records;
    judge(records_.applied(key, value));
  }
  if (std::ranges::find(options_.heads, key) != options_.heads.end()) {
    ++counters_.commits;
    if (value.size() != store::kNonceBytes) {
      judge(Failure{"store", "a head holds no nonce: " + base::to_hex(value)});
    }
    judge(commits_.applied(value, key));
  } else if (stored_place_of(key).kind == StoredPlace::Kind::kHead) {
    const auto head = actor::Head::decode(value);
    if (!head.ok()) {
      judge(Failure{"store", head.error().message});
      return;
    }
    ++counters_.commits;
    judge(commits_.applied(head->nonce, key));
  }
}

void IdempotencyTrace::answered(const Bytes& record, const Bytes& reply) {
  judge(records_.answered(record, reply));
}

}  // namespace kelpie::sim
