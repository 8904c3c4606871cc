#include "actor/testing/script_actor.h"

#include <algorithm>
#include <string_view>

#include "actor/inbox.h"
#include "actor/method_call.h"
#include "actor/reminder.h"
#include "async/select.h"
#include "async/sleep.h"
#include "store/keys.h"

namespace kelpie::actor::testing {
namespace {

// The text up to the separator, which goes from `rest` with it.
std::string take(std::string& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  std::string first = rest.substr(0, end);
  rest.erase(0, std::min(end + 1, rest.size()));
  return first;
}

std::string unnested(std::string program) {
  std::ranges::replace(program, '|', ';');
  std::ranges::replace(program, '!', '|');
  return program;
}

}  // namespace

size_t Journal::count(const std::string& note) const {
  return static_cast<size_t>(std::ranges::count(notes, note));
}

MethodKind ScriptActor::kind_of(std::string_view method) {
  return method == "look"        ? MethodKind::kReadOnly
         : method == "do_inside" ? MethodKind::kReentrant
                                 : MethodKind::kTurn;
}

Task<void> ScriptActor::activate(store::Transaction& transaction) {
  journal_.notes.push_back("activate " + services_.self.id);
  const auto stored = co_await transaction.get(store::keys::actor_state(services_.self.name()));
  text_ = stored.value_or("");
  co_return kOk;
}

void ScriptActor::deactivate() { journal_.notes.push_back("deactivate " + services_.self.id); }

Task<Bytes> ScriptActor::invoke(Turn& turn, std::shared_ptr<const Invocation> what) {
  if (what->method != "do" && what->method != "do_inside") {
    co_return base::not_found("no method " + what->method);
  }
  co_return co_await run(turn, what->arguments);
}

Result<Bytes> ScriptActor::read(const Invocation& what) const {
  if (what.method != "look") {
    return base::not_found("no method " + what.method);
  }
  return text_;
}

Task<Bytes> ScriptActor::run(Turn& turn, std::string program) {
  journal_.notes.push_back("begin " + services_.self.id + ": " + program);
  Bytes reply = text_;
  while (!program.empty()) {
    co_await step(turn, take(program, ';'), reply);
  }
  journal_.notes.push_back("end " + services_.self.id);
  co_return reply;
}

Task<void> ScriptActor::step(Turn& turn, std::string line, Bytes& reply) {
  const std::string verb = take(line, ' ');
  if (verb == "append" || verb == "blind") {
    reply = co_await append(turn, std::move(line), verb == "blind");
  } else if (verb == "large") {
    turn.transaction().set(store::keys::actor_data(services_.self.name(), "large"),
                           Bytes(std::stoul(line), 'x'));
  } else if (verb == "reply") {
    reply = Bytes(std::stoul(line), 'x');
  } else if (verb == "sleep") {
    co_await async::sleep_for(services_.world.loop, Duration::millis(std::stoll(line)));
  } else if (verb == "send") {
    const std::string to = take(line, ' ');
    const std::string method = take(line, ' ');
    co_await send(turn, {kScriptType, services_.self.ns, to}, {method, unnested(line)});
  } else if (verb == "call" || verb == "try") {
    reply = co_await call(turn, std::move(line), verb == "call" ? OnError::kFail : OnError::kNote,
                          Duration());
  } else if (verb == "hurry") {
    const Duration limit = Duration::millis(std::stoll(take(line, ' ')));
    reply = co_await call(turn, std::move(line), OnError::kNote, limit);
  } else if (verb == "remind") {
    co_await remind(turn, std::move(line));
  } else if (verb == "cancel") {
    static_cast<void>(co_await cancel_reminder(turn, std::move(line)));
  } else if (verb == "fail") {
    co_await fail(std::move(line));
  } else if (verb == "only_reads") {
    turn.read_only();
  } else if (verb == "destroy") {
    turn.destroy_actor();
  } else if (verb == "pause" || verb == "resume") {
    turn.pause_actor(verb == "pause");
  } else {
    co_return base::internal("no verb " + verb);
  }
  co_return kOk;
}

Task<Bytes> ScriptActor::append(Turn& turn, std::string what, bool blind) {
  const Bytes key = store::keys::actor_state(services_.self.name());
  Bytes text = text_;
  if (!blind) {
    store::Transaction* transaction = co_await turn.reading();
    text = (co_await transaction->get(key)).value_or("");
  }
  text += what + " ";
  turn.transaction().set(key, text);
  turn.after_commit([this, text] { text_ = text; });
  co_return text;
}

Task<Bytes> ScriptActor::call(Turn& turn, std::string rest, OnError on_error, Duration limit) {
  const std::string to = take(rest, ' ');
  const std::string method = take(rest, ' ');
  Task<Bytes> called =
      call_from_turn(turn, {kScriptType, services_.self.ns, to}, {method, unnested(rest)});
  if (limit > Duration()) {
    called = async::timeout(services_.world.loop, limit, std::move(called));
  }
  auto answer = co_await std::move(called).result();
  if (!answer.ok() && on_error == OnError::kNote) {
    journal_.notes.push_back(answer.error().to_string());
    co_return Bytes("refused");
  }
  co_return std::move(answer);
}

Task<void> ScriptActor::remind(Turn& turn, std::string rest) {
  Reminder reminder;
  reminder.name = take(rest, ' ');
  reminder.due = turn.now() + Duration::millis(std::stoll(take(rest, ' ')));
  reminder.period = Duration::millis(std::stoll(take(rest, ' ')));
  reminder.what = {"do", unnested(rest)};
  return set_reminder(turn, std::move(reminder));
}

Result<void> ScriptActor::fail(std::string rest) {
  const int times = std::stoi(take(rest, ' '));
  if (journal_.failures[services_.self.id] >= times) {
    return kOk;
  }
  ++journal_.failures[services_.self.id];
  return rest == "not_found"          ? base::not_found("as told")
         : rest == "invalid_argument" ? base::invalid_argument("as told")
         : rest == "unavailable"      ? base::unavailable("as told")
                                      : base::failed_precondition("as told");
}

}  // namespace kelpie::actor::testing
