// ServerNode: a simulated host that runs the production server over a durable disk, under a
// supervisor that starts it again when it dies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/time.h"
#include "llm/providers.h"
#include "sim/durable_disk.h"
#include "sim/simulation.h"
#include "world/net.h"

namespace kelpie::sim {

inline constexpr std::string_view kApiKey = "the-key-of-this-simulation";

struct ServerNodeOptions {
  llm::ModelsConfig models;
};

class ServerNode {
 public:
  ServerNode(Simulation& simulation, SimHost& host, world::Address address,
             ServerNodeOptions options = {});
  ServerNode(const ServerNode&) = delete;
  ServerNode& operator=(const ServerNode&) = delete;
  ~ServerNode();

  // Boots the host and starts the server on it. A start that a storage fault made fail is tried
  // again. Not from code that runs on the host, as all below.
  void start();
  // Power off, now: what is not durable may be lost, and nothing has an effect any more.
  void crash();
  // The process is killed, as for want of memory: the system keeps what was written.
  void kill();
  // In order: drains, ends, and must leave nothing behind (S21). False: it went down in another way
  // meanwhile. Who drops the task leaves the node as one that is `stopping`.
  Task<bool> stop();

  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  // It drains, and accepts nothing any more.
  [[nodiscard]] bool stopping() const { return up() && stopping_; }
  [[nodiscard]] DurableDisk& disk() { return disk_; }
  [[nodiscard]] const DurableDisk& disk() const { return disk_; }
  [[nodiscard]] SimHost& host() { return host_; }

 private:
  struct Beside;
  struct Parts;
  static Task<void> drain(ServerNode& node, Parts& parts);
  static Task<void> end_with_store(ServerNode& node, Parts& parts);
  void died(const Error& error);
  void went_down();

  Simulation& simulation_;
  SimHost& host_;
  world::Address address_;
  ServerNodeOptions options_;
  DurableDisk disk_;
  uint64_t starts_ = 0;
  // Received before the last start.
  uint64_t disk_errors_before_ = 0;
  uint64_t undecided_writes_before_ = 0;
  bool store_stopped_ = false;
  bool stopping_ = false;
  async::Event drained_;  // or gone
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
