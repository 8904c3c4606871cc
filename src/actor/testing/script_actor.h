// ScriptActor: a MethodActor that does what its arguments say. Test support.
//
// A program is lines, separated by ';':
//   append X                    X and a blank at the end of its text; the reply of a program is the
//                               text, or what the last `call` answered
//   blind X                     the same from memory, without a read
//   large BYTES                 writes so many in one value
//   reply BYTES                 replies so many
//   sleep MILLIS
//   send ID METHOD ARGUMENTS    the programs in it have '|' in place of ';', and those in these '!'
//   call ID METHOD ARGUMENTS
//   try ID METHOD ARGUMENTS     a call whose error is noted, and is not this program's
//   hurry MILLIS ID METHOD ARGUMENTS    a try that it gives up after so long
//   remind NAME MILLIS PERIOD_MILLIS ARGUMENTS    from now, to `do` them; with CatchUp::kOne
//   cancel NAME
//   fail TIMES CODE             TIMES in the journal's life, then never
//   only_reads, pause, resume, destroy
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actor/actor.h"
#include "actor/kind.h"

namespace kelpie::actor::testing {

inline constexpr const char* kScriptType = "script";

// What the actors of a test did.
struct Journal {
  std::vector<std::string> notes;
  std::map<std::string, int> failures;  // by actor
  bool busy = false;                    // what its actors say of themselves

  [[nodiscard]] size_t count(const std::string& note) const;
};

class ScriptActor final : public MethodActor {
 public:
  ScriptActor(ActorServices services, Journal& journal)
      : services_(std::move(services)), journal_(journal) {}

  // `do`, `do_inside` (reentrant), `look` (read-only: its text). All others are not found.
  static MethodKind kind_of(std::string_view method);

  Task<void> activate(store::Transaction& transaction) override;
  void deactivate() override;
  [[nodiscard]] bool busy() const override { return journal_.busy; }
  Task<Bytes> invoke(Turn& turn, std::shared_ptr<const Invocation> what) override;
  [[nodiscard]] Result<Bytes> read(const Invocation& what) const override;

  Task<Bytes> run(Turn& turn, std::string program);

 private:
  Task<void> step(Turn& turn, std::string line, Bytes& reply);
  Task<Bytes> append(Turn& turn, std::string what, bool blind);
  enum class OnError : uint8_t { kFail, kNote };
  Task<Bytes> call(Turn& turn, std::string rest, OnError on_error, Duration limit);
  Task<void> remind(Turn& turn, std::string rest);
  Result<void> fail(std::string rest);

  ActorServices services_;
  Journal& journal_;
  Bytes text_;
};

}  // namespace kelpie::actor::testing
