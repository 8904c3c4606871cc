#include "sim/provider/answers.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/hash.h"
#include "codec/sse.h"
#include "llm/offline_rules.h"

namespace kelpie::sim {
namespace {

// One moment for all answers: they are functions of the request.
constexpr int64_t kCreatedSeconds = 1'700'000'000;
constexpr size_t kFloodTexts = 8;

Answer one_piece(int status, std::string content_type, std::string body, Fault fault) {
  Answer answer;
  answer.status = status;
  answer.headers = {{"content-type", std::move(content_type)}};
  answer.pieces.push_back({.bytes = std::move(body), .gap = Duration(), .fault = fault});
  return answer;
}

// Bodies with which real providers, and what stands before them, say that they fail.
Answer failing(int status, std::string type, Fault fault, ChoiceStream& choices) {
  switch (choices.choose(4)) {
    case 0:
      return one_piece(status, "text/html", "<html><body>upstream is unhappy</body></html>", fault);
    case 1:
      return one_piece(status, "application/json", R"({"error": "unhappy"})", fault);
    default:
      return one_piece(status, "application/json",
                       llm::encode_served_error({.status = status,
                                                 .message = "failing on purpose",
                                                 .type = std::move(type),
                                                 .param = "",
                                                 .code = ""}),
                       fault);
  }
}

bool is_stream(const Answer& answer) {
  return !answer.headers.empty() && answer.headers.front().second == "text/event-stream";
}

size_t size_of(const Answer& answer) {
  size_t bytes = 0;
  for (const AnswerPiece& piece : answer.pieces) {
    bytes += piece.bytes.size();
  }
  return bytes;
}

// Nonsense in the place of a chunk.
std::string nonsense(ChoiceStream& choices) {
  switch (choices.choose(6)) {
    case 0:
      return codec::sse_data("{\"choices\": [{");
    case 1:
      return codec::sse_data("17");
    case 2:
      return codec::sse_data("{\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}");
    case 3:
      return codec::sse_data(R"({"choices":[{"delta":{"content":17,"tool_calls":"x"}}]})");
    case 4:
      return codec::sse_data(R"({"error":{"message":"the backend died","code":502}})");
    default:
      return "\x01\x02 no event at all\n\n" + codec::sse_data("still none");
  }
}

// The piece that holds this byte carries the fault.
void mark_at(Answer& answer, size_t byte, Fault fault) {
  for (AnswerPiece& piece : answer.pieces) {
    if (byte < piece.bytes.size()) {
      piece.fault = fault;
      return;
    }
    byte -= piece.bytes.size();
  }
}

}  // namespace

Answer good_answer(const llm::CompletionRequest& request, const llm::ChatReply& reply) {
  const auto hash = static_cast<int64_t>(base::hash64(reply.content) >> 1);
  const llm::CompletionHead head{.id = fmt::format("chatcmpl-{}", hash),
                                 .model = std::string(llm::kOfflineModelName),
                                 .created = kCreatedSeconds};
  Answer answer;
  if (request.streaming == llm::Streaming::kNo) {
    answer.headers = {{"content-type", "application/json"}};
    answer.pieces.push_back({.bytes = llm::encode_completion(head, reply)});
    return answer;
  }
  answer.headers = {{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}};
  for (const std::string& chunk : llm::encode_chunks(head, reply, request.usage_chunk)) {
    answer.pieces.push_back({.bytes = codec::sse_data(chunk)});
  }
  answer.pieces.push_back({.bytes = codec::sse_data("[DONE]")});
  return answer;
}

Answer rate_limited(ChoiceStream& choices) {
  Answer answer = failing(429, "requests", Fault::kModelRateLimited, choices);
  switch (choices.choose(8)) {
    case 0:
      answer.headers.emplace_back("retry-after", "1");
      break;
    case 1:
      answer.headers.emplace_back("retry-after", fmt::format("{}", choices.choose(5)));
      break;
    case 2:
      answer.headers.emplace_back("retry-after-ms", fmt::format("{}", choices.choose(3'000)));
      break;
    case 3:
      // Longer than anyone waits.
      answer.headers.emplace_back("retry-after", "86400");
      break;
    case 4:
      answer.headers.emplace_back("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT");
      break;
    case 5:
      answer = one_piece(429, "application/json",
                         R"({"error":{"message":"no money","code":"insufficient_quota"}})",
                         Fault::kModelRateLimited);
      break;
    default:
      break;
  }
  return answer;
}

Answer server_error(ChoiceStream& choices) {
  constexpr std::array kStatuses = {500, 502, 503, 529};
  return failing(kStatuses[choices.choose(kStatuses.size())], "server_error",
                 Fault::kModelServerError, choices);
}

void cut(Answer& answer, ChoiceStream& choices) {
  answer.end = choices.choose(2) == 0 ? AnswerEnd::kCut : AnswerEnd::kClean;
  size_t left = choices.choose(size_of(answer));
  std::deque<AnswerPiece> kept;
  for (AnswerPiece& piece : answer.pieces) {
    if (piece.bytes.size() > left) {
      piece.bytes.resize(left);
      kept.push_back(std::move(piece));
      break;
    }
    left -= piece.bytes.size();
    kept.push_back(std::move(piece));
  }
  kept.back().fault = Fault::kModelStreamCut;
  answer.pieces = std::move(kept);
}

void garble(Answer& answer, ChoiceStream& choices) {
  if (!is_stream(answer) || choices.choose(4) == 0) {
    // A body that is JSON by its header, and breaks off.
    answer = one_piece(200, "application/json", "{\"choices\": [{", Fault::kModelMalformed);
    return;
  }
  const auto at = static_cast<std::ptrdiff_t>(choices.choose(answer.pieces.size()));
  AnswerPiece bad{.bytes = nonsense(choices), .gap = Duration(), .fault = Fault::kModelMalformed};
  answer.pieces.insert(answer.pieces.begin() + at, std::move(bad));
}

void slow_down(Answer& answer, ChoiceStream& choices) {
  for (AnswerPiece& piece : answer.pieces) {
    if (choices.choose(3) != 0) {
      continue;
    }
    const Duration longest =
        choices.choose(30) == 0 ? Duration::seconds(30) : Duration::millis(1'500);
    piece.gap = choices.between(Duration::millis(50), longest);
    piece.fault = Fault::kModelSlow;
  }
}

void duplicate_call(llm::ChatReply& reply, ChoiceStream& choices) {
  const size_t which = choices.choose(reply.tool_calls.size());
  reply.tool_calls.push_back(reply.tool_calls[which]);
}

void flood(Answer& answer, size_t bytes, ChoiceStream& choices) {
  const size_t texts = choices.choose(2) == 0 ? 1 : kFloodTexts;
  const std::string text(bytes / texts + 1, 'f');
  if (!is_stream(answer)) {
    answer.pieces.front().bytes =
        fmt::format(R"({{"choices":[{{"message":{{"content":"{}{}"}}}}]}})", text, text);
  } else {
    const std::string event =
        codec::sse_data(fmt::format(R"({{"choices":[{{"delta":{{"content":"{}"}}}}]}})", text));
    for (size_t i = 0; i < texts; ++i) {
      answer.pieces.insert(answer.pieces.begin() + 1, AnswerPiece{.bytes = event});
    }
  }
  // What comes after the limit is never read.
  mark_at(answer, bytes * 3 / 4, Fault::kModelHugeAnswer);
}

}  // namespace kelpie::sim
