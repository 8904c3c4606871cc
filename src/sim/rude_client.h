// RudeClient: what clients do that nobody asked them to: requests that are none, bytes that come or
// are taken one by one, streams that are left, connections closed by half. Raw bytes, no client
// library.
#pragma once

#include <string>

#include "async/task.h"
#include "sim/history.h"
#include "sim/simulation.h"
#include "world/net.h"

namespace kelpie::sim {

// Driven from the simulation's own loop. The history outlives it.
class RudeClient {
 public:
  RudeClient(Simulation& simulation, SimHost& host, world::Address server, History& history);

  // Does one rude thing; ends in bounded time, whatever the server does. An answer of 5xx to a
  // request that is none, or no answer to one that is, when nothing explains it, is for the
  // caller's oracles; what it sends that counts is in the history.
  Task<void> misbehave(std::string agent, std::string text);

 private:
  using Stream = std::unique_ptr<world::ByteStream>;
  Task<void> be_rude(std::string agent, std::string text);
  Task<void> malformed();
  Task<void> send_slowly(std::string agent);
  Task<void> read_slowly(std::string agent);
  Task<void> close_by_half(std::string agent);
  Task<void> leave(std::string agent, std::string text);
  Task<Stream> dial();
  // What comes until the end, or until `bytes_max`, in reads of at most `piece` bytes.
  Task<std::string> read(world::ByteStream& stream, size_t bytes_max, size_t piece, Duration pause);
  void done(Fault fault);

  Simulation& simulation_;
  SimHost& host_;
  world::Address server_;
  History& history_;
  ChoiceStream& choices_;
};

}  // namespace kelpie::sim
