#include "store/fdb/network.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "store/fdb/errors.h"
#include "store/fdb/testing/scripted_fdb.h"

namespace kelpie::store {
namespace {

using testing::ScriptedFdb;

constexpr FdbErrorCode kInvalidOptionValue = 2006;

// The library's process-wide part, for as long as it lives, on this thread.
struct NetworkScript {
  NetworkScript() { current = this; }
  ~NetworkScript() { current = nullptr; }
  NetworkScript(const NetworkScript&) = delete;
  NetworkScript& operator=(const NetworkScript&) = delete;

  static FdbLibrary library() {
    auto api = std::make_shared<FdbApi>(ScriptedFdb::api());
    api->network_set_option = [](FdbNetworkOption option, const uint8_t* value, int bytes) {
      const std::string text = value == nullptr ? std::string()
                                                : std::string(reinterpret_cast<const char*>(value),
                                                              static_cast<size_t>(bytes));
      CHECK(current != nullptr);
      current->calls.push_back(std::to_string(static_cast<int>(option)) + "=" + text);
      return static_cast<int>(option) == current->refused_option ? kInvalidOptionValue : 0;
    };
    api->setup_network = [] {
      current->calls.emplace_back("setup");
      return current->setup_code;
    };
    api->run_network = [] { return 0; };
    api->stop_network = [] {
      current->calls.emplace_back("stop");
      return 0;
    };
    FdbLibrary library;
    library.api = std::move(api);
    return library;
  }

  std::vector<std::string> calls;
  int refused_option = 0;
  FdbErrorCode setup_code = 0;
  static thread_local NetworkScript* current;
};
thread_local NetworkScript* NetworkScript::current = nullptr;

TEST(FdbNetwork, SetsItsOptionsThenStartsAndStops) {
  NetworkScript script;
  FdbNetworkOptions options;
  options.tls = {.cert_path = "/c",
                 .key_path = "/k",
                 .ca_path = "/a",
                 .verify_peers = "Check.Valid=1",
                 .password = "p"};
  options.knobs = {"a=1", "b=2"};
  options.trace_dir = "/t";
  options.buggify = FdbClientBuggify{.activated = 7, .fired = 9};
  {
    const auto network = FdbNetwork::start(NetworkScript::library(), options).value();
  }
  const std::string seven("\x07\0\0\0\0\0\0\0", 8);
  const std::string nine("\x09\0\0\0\0\0\0\0", 8);
  const std::vector<std::string> expected = {
      "30=/t", "34=json",          "40=a=1", "40=b=2",      "54=p",       "43=/c", "46=/k",
      "53=/a", "47=Check.Valid=1", "80=",    "82=" + seven, "83=" + nine, "setup", "stop"};
  EXPECT_EQ(script.calls, expected);
}

TEST(FdbNetwork, SetsNothingThatWasNotAskedFor) {
  NetworkScript script;
  {
    const auto network = FdbNetwork::start(NetworkScript::library(), {}).value();
  }
  EXPECT_EQ(script.calls, (std::vector<std::string>{"setup", "stop"}));
}

TEST(FdbNetwork, NamesTheOptionThatIsRefused) {
  NetworkScript script;
  script.refused_option = 40;
  FdbNetworkOptions options;
  options.knobs = {"no_such_knob=1"};
  const auto network = FdbNetwork::start(NetworkScript::library(), options);
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().code, Code::kInvalidArgument);
  EXPECT_NE(network.error().message.find("no_such_knob=1"), std::string::npos);
  EXPECT_EQ(script.calls.size(), 1U);  // and nothing was started
}

TEST(FdbNetwork, SaysThatItCannotBeStartedTwice) {
  for (const FdbErrorCode code : {kFdbNetworkAlreadySetUp, kFdbNetworkCannotBeRestarted}) {
    NetworkScript script;
    script.setup_code = code;
    const auto network = FdbNetwork::start(NetworkScript::library(), {});
    ASSERT_FALSE(network.ok());
    EXPECT_EQ(network.error().code, Code::kFailedPrecondition);
    EXPECT_NE(network.error().message.find("restart the process"), std::string::npos);
  }
}

}  // namespace
}  // namespace kelpie::store
