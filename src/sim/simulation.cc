#include "sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

// What a fault from just before the heal may still bring about.
constexpr Duration kAftermath = Duration::seconds(1);

}  // namespace

SimHost::Running::Running(SimHost& host, SimLoop& on, std::string node)
    : loop(on),
      rng(host.simulation_.choices().fork(on.label())),
      net(host.simulation_.network(), on, host.name_),
      log(host.simulation_.scheduler(), on,
          [&host](const std::string& line) { host.on_error_log(line); }),
      faults(host.simulation_.choices(), host.simulation_.scheduler(), host.simulation_.sites(),
             on.label(), host.simulation_.mutants(), host.simulation_.swarm().buggify_per_million,
             SimFaults::Hooks{.broken =
                                  [&host, label = on.label()](std::string_view site) {
                                    host.simulation_.fail("always",
                                                          fmt::format("{} broke {}", label, site));
                                  },
                              .reached =
                                  [&host](std::string_view site) {
                                    if (site == "actor.turn.fence_lost" ||
                                        site == "actor.activation.fence_lost") {
                                      host.simulation_.ledger().receive(Fault::kNodeDeclaredDead);
                                    }
                                    for (const OnReached& heard : host.on_reached_) {
                                      heard(site);
                                    }
                                  }}),
      world{loop, host.clock_, rng, net, log, faults, world::NodeName(std::move(node))} {}

SimHost::SimHost(Simulation& simulation, HostId id, std::string name)
    : simulation_(simulation),
      id_(id),
      name_(std::move(name)),
      clock_(simulation.scheduler(), simulation.ledger(), simulation.draw_clock(name_)) {}

SimHost::~SimHost() = default;

World& SimHost::boot() {
  CHECK(!up());
  SimLoop& loop = simulation_.scheduler().add_loop(id_, name_, Incarnation(++boots_),
                                                   simulation_.draw_drift_ppm(name_));
  loops_.clear();
  loops_.push_back(std::make_unique<Running>(*this, loop, name_));
  disk_errors_before_ = simulation_.ledger().disk_errors();
  simulation_.network().host_is_back(name_);
  simulation_.scheduler().note(loop.label(), "boot", "");
  return world();
}

World& SimHost::add_loop() {
  CHECK(up());
  const std::string node = fmt::format("{}/{}", name_, loops_.size());
  SimLoop& beside = simulation_.scheduler().add_loop_beside(loop(), node, Incarnation(boots_));
  loops_.push_back(std::make_unique<Running>(*this, beside, node));
  return loops_.back()->world;
}

void SimHost::crash() {
  CHECK(up());
  simulation_.scheduler().note(loop().label(), "crash", "");
  close();
}

void SimHost::pause() {
  CHECK(up() && !paused_);
  paused_ = true;
  simulation_.scheduler().note(loop().label(), "pause", "");
  simulation_.scheduler().pause(id_);
}

void SimHost::slow_down(Duration by) {
  simulation_.scheduler().slow_down(id_, by,
                                    [this] { simulation_.ledger().receive(Fault::kSlowCpu); });
}

void SimHost::resume() {
  CHECK(paused_);
  paused_ = false;
  simulation_.scheduler().note(loop().label(), "resume", "");
  if (simulation_.scheduler().resume(id_) > 0) {
    simulation_.ledger().receive(Fault::kHostPause);
  }
}

void SimHost::close() {
  for (const auto& each : loops_) {
    each->loop.shut_gate();
  }
  for (const auto& each : loops_) {
    each->loop.close_gate();
    simulation_.network().cut(each->loop, name_);
  }
  if (std::exchange(paused_, false)) {
    simulation_.scheduler().resume(id_);
  }
}

void SimHost::stop() {
  CHECK(up());
  simulation_.scheduler().note(loop().label(), "stop", "");
  for (const auto& each : loops_) {
    const size_t timers = each->loop.timers();
    const size_t connections = simulation_.network().connections(each->loop);
    if (timers > 0 || connections > 0) {
      simulation_.fail("S21", fmt::format("{} left {} timers and {} connections behind",
                                          each->loop.label(), timers, connections));
    }
  }
  close();
}

void SimHost::on_error_log(const std::string& line) {
  if (!simulation_.disk_error_since(disk_errors_before_)) {
    simulation_.fail("log", loop().label() + " logged an error that no fault explains: " + line);
  }
}

Simulation::Simulation(SimulationOptions options, Swarm swarm)
    : options_(std::move(options)),
      swarm_(swarm),
      choices_(options_.seed, std::move(options_.choices)),
      trace_(options_.sink),
      scheduler_(choices_, trace_, swarm_.scheduler),
      network_(scheduler_, choices_, ledger_, swarm_.network) {
  swarm_.disk.acknowledges_unsynced = options_.mutants.contains("M31");
  scheduler_.note("sim", "step", fmt::format("seed {}: {}", options_.seed, swarm_.to_string()));
}

SimHost& Simulation::add_host(std::string name) {
  const HostId id(static_cast<uint32_t>(hosts_.size()) + 1);
  hosts_.push_back(std::make_unique<SimHost>(*this, id, std::move(name)));
  return *hosts_.back();
}

WallClockOptions Simulation::draw_clock(std::string_view host) const {
  WallClockOptions clock;
  world::Rng rng = choices_.fork(fmt::format("clock/{}", host));
  if (swarm_.clock_drift_ppm_max > 0) {
    clock.drift_ppm = rng.between(-swarm_.clock_drift_ppm_max, swarm_.clock_drift_ppm_max);
  }
  if (swarm_.clock_swing_max > Duration()) {
    clock.swing = Duration::nanos(rng.between(0, swarm_.clock_swing_max.nanos()));
  }
  return clock;
}

int64_t Simulation::draw_drift_ppm(std::string_view host) const {
  const int64_t max = swarm_.monotonic_drift_ppm_max;
  return max == 0 ? 0 : choices_.fork(fmt::format("drift/{}", host)).between(-max, max);
}

void Simulation::destroy_crashed(const SimHost& host, const std::function<void()>& destroy) {
  const uint64_t before = trace_.hash();
  destroy();
  if (trace_.hash() != before) {
    fail("S3", "a destructor had an effect after the crash of " + host.name());
  }
}

void Simulation::fail(std::string oracle, std::string message) {
  if (!failure_) {
    scheduler_.note("sim", "step", "FAILED " + oracle + ": " + message);
    failure_ = Failure{std::move(oracle), std::move(message)};
  }
}

void Simulation::heal(const Frozen& frozen) {
  network_.heal(frozen.network);
  for (const auto& [host, how] : frozen.lost) {
    cut_off(host, how);
  }
  excused_until_ns_ = std::min(excused_until_ns_, now_ns() + kAftermath.nanos());
  if (!frozen.nothing()) {
    scheduler_.note("sim", "step", "broken for good: " + frozen.to_string());
    frozen_ = frozen;
  }
}

void Simulation::cut_off(const std::string& host, Lost how) {
  if (how == Lost::kDead) {
    return;
  }
  ledger_.configure(Fault::kNetworkPartition);
  for (const auto& other : hosts_) {
    if (other->name() == host) {
      continue;
    }
    if (how != Lost::kMute) {
      network_.links().cut(other->name(), host);
    }
    if (how != Lost::kDeaf) {
      network_.links().cut(host, other->name());
    }
  }
}

bool Simulation::disk_error_since(uint64_t before) const {
  return !healed() && ledger_.disk_errors() > before;
}

bool Simulation::undecided_write_since(uint64_t before) const {
  return !healed() && ledger_.undecided_writes() > before;
}

void Simulation::run_until(const bool& done) {
  while (!done && !failure_ && scheduler_.events() < options_.events_until) {
    if (scheduler_.step()) {
      continue;
    }
    if (!scheduler_.tripped().empty()) {
      fail("guard", scheduler_.tripped());
    } else {
      fail("L2", "the run stands still: no work is ready and no timer is set");
    }
  }
}

}  // namespace kelpie::sim
