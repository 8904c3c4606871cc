// MessageNode: a simulated host that runs the production actor runtime with its queue of what is
// due, over a shared store, beside others of its kind.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actor/call.h"
#include "actor/ref.h"
#include "async/event.h"
#include "base/result.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/model/recording_database.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// Driven from the simulation's own loop.
class MessageNode {
 public:
  MessageNode(Simulation& simulation, SimHost& host, SimFdb& fdb, RecordingDatabase::Told told);
  MessageNode(const MessageNode&) = delete;
  MessageNode& operator=(const MessageNode&) = delete;
  ~MessageNode();

  void start();
  void crash();
  // In order, as a process does that is asked to end; nothing may be left behind (S21). False: it
  // crashed, or is being stopped already.
  Task<bool> stop();
  // It is on its way down in order.
  [[nodiscard]] bool stopping() const { return stopping_ != nullptr; }
  // Calls wait for an answer.
  [[nodiscard]] bool busy() const;

  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  [[nodiscard]] SimHost& host() { return host_; }

  // Asks the node, which is up. `done` is called on the simulation's loop, or never, when the node
  // is gone before.
  struct Ask {
    actor::ActorRef to;
    actor::Invocation what;
    std::optional<actor::Once> once;
    Duration patience;
  };
  void call(Ask ask, std::function<void(Result<Bytes>)> done);

 private:
  struct Parts;
  static Task<void> perform(Parts& parts, Loop& home, Ask ask,
                            std::function<void(Result<Bytes>)> done);
  static Task<void> end(Parts& parts, Loop& home, std::function<void()> done);

  Simulation& simulation_;
  SimHost& host_;
  SimFdb& fdb_;
  RecordingDatabase::Told told_;
  std::shared_ptr<async::Event> stopping_;  // set when the stop has ended, or the node has crashed
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
