// What the model provider's host writes: good answers, and what becomes of one under a fault. Pure
// but for the choices.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/time.h"
#include "llm/model.h"
#include "llm/openai_serve.h"
#include "net/http.h"
#include "sim/choices.h"
#include "sim/faults.h"

namespace kelpie::sim {

// A piece of an answer's body and what comes before it.
struct AnswerPiece {
  std::string bytes;
  Duration gap = Duration();                  // of silence
  std::optional<Fault> fault = std::nullopt;  // whoever reads the piece has received it
};

enum class AnswerEnd : uint8_t { kClean, kCut };

struct Answer {
  int status = 200;
  net::Headers headers;
  std::deque<AnswerPiece> pieces;
  AnswerEnd end = AnswerEnd::kClean;
};

// The answer to a request that the rules have decided, plain or as server-sent events.
Answer good_answer(const llm::CompletionRequest& request, const llm::ChatReply& reply);

// 429, and a 5xx; half of them say when to come back, a few never.
Answer rate_limited(ChoiceStream& choices);
Answer server_error(ChoiceStream& choices);

// Each makes a good answer bad.
void cut(Answer& answer, ChoiceStream& choices);
void garble(Answer& answer, ChoiceStream& choices);
void slow_down(Answer& answer, ChoiceStream& choices);
// More than so many bytes of text, in one event or a few.
void flood(Answer& answer, size_t bytes, ChoiceStream& choices);

// One call of the reply once more, under the same id.
void duplicate_call(llm::ChatReply& reply, ChoiceStream& choices);

}  // namespace kelpie::sim
