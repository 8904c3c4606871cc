// Responses in the API's shapes.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http.h"

namespace kelpie::api {

net::Response json_response(int status, const boost::json::value& body);
// `{"detail": "<text>"}`.
net::Response detail_response(int status, std::string_view detail);
// 422 in the shape of a failed validation.
net::Response validation_response(std::string_view detail);
// An error of the floors below, by the one table from codes to statuses.
net::Response error_response(const Error& error);
// A failed run: `{"error":{"type","message","detail"}}` with the status of its type. The message
// that started it is committed, so the client is told not to send it again.
net::Response model_error_response(std::string_view error_type, std::string_view message);

}  // namespace kelpie::api
