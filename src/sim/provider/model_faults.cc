#include "sim/provider/model_faults.h"

#include <array>

namespace kelpie::sim {
namespace {

struct Kind {
  uint64_t ModelFaults::* rate;
  Fault fault;
};
// In the order in which they are drawn.
constexpr std::array kKinds = {
    Kind{&ModelFaults::timeout_rate, Fault::kModelTimeout},
    Kind{&ModelFaults::rate_limit_rate, Fault::kModelRateLimited},
    Kind{&ModelFaults::server_error_rate, Fault::kModelServerError},
    Kind{&ModelFaults::cut_rate, Fault::kModelStreamCut},
    Kind{&ModelFaults::malformed_rate, Fault::kModelMalformed},
    Kind{&ModelFaults::duplicate_call_rate, Fault::kModelDuplicateToolCall},
    Kind{&ModelFaults::slow_rate, Fault::kModelSlow},
    Kind{&ModelFaults::empty_rate, Fault::kModelEmptyAnswer},
    Kind{&ModelFaults::flood_rate, Fault::kModelHugeAnswer},
};

}  // namespace

void ModelFaults::configure(FaultLedger& ledger) const {
  for (const Kind& kind : kKinds) {
    if (this->*kind.rate > 0) {
      ledger.configure(kind.fault);
    }
  }
}

std::optional<Fault> ModelFaults::draw(ChoiceStream& stream) const {
  for (const Kind& kind : kKinds) {
    if (stream.chance(this->*kind.rate)) {
      return kind.fault;
    }
  }
  return std::nullopt;
}

ProviderSwarm ProviderSwarm::calm(const Choices& choices) {
  ProviderSwarm swarm;
  swarm.in_use = choices.fork("swarm/provider/in_use").chance(1, 3);
  return swarm;
}

ProviderSwarm ProviderSwarm::with_faults(const Choices& choices) {
  ProviderSwarm swarm = calm(choices);
  world::Rng rng = choices.fork("swarm/provider");
  for (const Kind& kind : kKinds) {
    const uint64_t rate = rng.below(100'000) + 5'000;
    if (rng.chance(1, 2)) {
      swarm.faults.*kind.rate = rate;
    }
  }
  // Few answers have a call.
  swarm.faults.duplicate_call_rate *= 3;
  if (rng.chance(1, 2)) {
    swarm.crash_interval = Duration::millis(rng.between(5'000, 30'000));
  }
  swarm.bit_flip_rate = rng.chance(1, 2) ? rng.below(50'000) + 2'000 : 0;
  return swarm;
}

}  // namespace kelpie::sim
