#include "api/respond.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "agent/records.h"
#include "codec/json.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

struct Shape {
  int status;
  std::string_view prefix;
};

Shape shape_of(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return {400, "INVALID_ARGUMENT: "};
    case Code::kNotFound:
      return {404, ""};
    case Code::kAlreadyExists:
      return {409, "CONFLICT: "};
    case Code::kAborted:
      return {409, "CONFLICT: "};
    case Code::kFailedPrecondition:
      return {409, "CONFLICT: "};
    case Code::kOutOfRange:
      return {422, ""};
    case Code::kUnauthenticated:
      return {401, ""};
    case Code::kPermissionDenied:
      return {403, ""};
    case Code::kDeadlineExceeded:
      return {504, ""};
    case Code::kResourceExhausted:
      return {503, "overloaded: "};
    case Code::kUnavailable:
      return {503, "unavailable: "};
    // Not "it failed": it may have happened (promise S17).
    case Code::kUnknown:
      return {503, "the outcome is not known, it may have happened: "};
    case Code::kUnimplemented:
      return {501, ""};
    case Code::kDataLoss:
      return {500, "stored data is damaged: "};
    case Code::kCancelled:
      return {503, "the server is stopping: "};
    case Code::kInternal:
      return {500, "internal error: "};
  }
  return {500, "internal error: "};
}

}  // namespace

net::Response json_response(int status, const json::value& body) {
  net::Response response;
  response.status = status;
  response.headers.emplace_back("content-type", "application/json");
  response.body = codec::write_json(body);
  return response;
}

// What a client sent may be quoted in a detail, and cut anywhere.
net::Response detail_response(int status, std::string_view detail) {
  return json_response(status, json::object{{"detail", agent::legible(detail)}});
}

net::Response validation_response(std::string_view detail) {
  return json_response(
      422, json::object{
               {"trace_id", ""}, {"detail", agent::legible(detail)}, {"examples", json::array()}});
}

net::Response error_response(const Error& error) {
  const Shape shape = shape_of(error.code);
  const std::string detail = std::string(shape.prefix) + error.message;
  if (shape.status == 422) {
    return validation_response(detail);
  }
  net::Response response = detail_response(shape.status, detail);
  if (error.code == Code::kAborted || error.code == Code::kResourceExhausted) {
    response.headers.emplace_back("retry-after", "1");
  }
  if (error.code == Code::kUnknown) {
    response.headers.emplace_back("x-should-retry", "false");
  }
  return response;
}

net::Response model_error_response(std::string_view error_type, std::string_view message) {
  int status = 500;
  if (error_type == "llm_timeout") {
    status = 504;
  } else if (error_type == "llm_rate_limit") {
    status = 429;
  } else if (error_type == "llm_authentication") {
    status = 401;
  } else if (error_type == "llm_bad_request" || error_type.starts_with("context_window")) {
    status = 400;
  }
  net::Response response = json_response(
      status, json::object{
                  {"error",
                   json::object{{"type", error_type}, {"message", message}, {"detail", message}}}});
  response.headers.emplace_back("x-should-retry", "false");
  return response;
}

}  // namespace kelpie::api
