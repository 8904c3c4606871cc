// Bodies of requests: whatever is accepted must be a record that can be stored and read back the
// same, and must render. The input is one body, given to every parser.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/memory_tools.h"
#include "agent/prompt.h"
#include "api/render.h"
#include "api/requests.h"
#include "api/respond.h"
#include "base/bytes.h"
#include "base/check.h"
#include "codec/json.h"

namespace kelpie::fuzz {
namespace {

// What is read back writes the same bytes: nothing is lost, nothing is unreadable.
template <class Record>
void check_round_trip(const Record& record) {
  const Bytes bytes = record.encode();
  auto read = Record::decode(bytes);
  CHECK(read.ok());
  CHECK(read->encode() == bytes);
}

void check_json(const boost::json::value& value) { CHECK(base::is_utf8(codec::write_json(value))); }

void check_messages(const std::vector<agent::Message>& messages) {
  for (const agent::Message& message : messages) {
    check_round_trip(message);
    boost::json::array rendered;
    api::render_message(message, {}, rendered);
    CHECK(rendered.size() ==
          (message.role == agent::MessageRole::kAssistant && message.text.empty() ? 0U : 1U));
    check_json(rendered);
  }
}

// Every refusal is an answer that a client can read.
template <class T>
bool accepted(const Result<T>& result) {
  if (!result.ok()) {
    const net::Response response = api::error_response(result.error());
    CHECK(response.status >= 400 && response.status < 500);
    CHECK(codec::parse_json(response.body).ok());
  }
  return result.ok();
}

void check_new_agent(std::string_view body) {
  world::Rng rng(1);
  auto made = api::parse_new_agent(body, rng);
  if (!accepted(made)) {
    return;
  }
  check_round_trip(made->config);
  for (const agent::Block& block : made->blocks) {
    check_round_trip(block);
    CHECK(agent::characters(block.value) <= block.limit);
  }
  check_messages(made->first_messages);
  const std::string prompt =
      agent::compile_system_prompt(made->config, made->blocks, {WallTime::from_seconds(1), 0});
  CHECK(base::is_utf8(prompt));
  check_json(api::render_agent({made->config, made->blocks, {made->system_message_id}}));
}

void check_patches(std::string_view body) {
  auto patch = api::parse_agent_patch(body);
  if (accepted(patch)) {
    agent::Config config;
    config.extra = patch->extra;
    config.name = patch->name.value_or("");
    config.system = patch->system.value_or("");
    config.model = patch->model.value_or("a/b");
    config.tools = patch->tools.value_or(std::vector<std::string>());
    check_round_trip(config);
    check_json(api::render_agent({config, {}, {}}));
  }
  auto change = api::parse_block_patch(body);
  if (accepted(change)) {
    agent::Block block;
    block.value = change->value.value_or("");
    block.label = change->label.value_or("");
    block.metadata = change->metadata.value_or(boost::json::object());
    check_round_trip(block);
    check_json(api::render_block(block));
  }
}

void check_send(std::string_view body) {
  world::Rng rng(1);
  auto send = api::parse_send(body, rng);
  if (!accepted(send)) {
    return;
  }
  CHECK(!send->run.input.empty());
  check_round_trip(send->run);
  check_messages(send->run.input);
  CHECK(api::stored_input_bytes(send->run) == send->run.encode().size());
}

// A model's tool call has arguments of the same kind: JSON from a stranger.
void check_tools(std::string_view arguments) {
  agent::Block block;
  block.label = "human";
  block.value = "one\ntwo";
  block.limit = 100;
  for (const std::string& tool : agent::builtin_tool_names()) {
    auto edit = agent::apply_memory_tool(tool, arguments, block);
    CHECK(!edit.ok() || agent::characters(edit->value) <= block.limit);
  }
  (void)agent::edited_label(arguments).ok();
}

}  // namespace
}  // namespace kelpie::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kelpie::fuzz;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check_new_agent(body);
  check_patches(body);
  check_send(body);
  check_tools(body);
  return 0;
}
