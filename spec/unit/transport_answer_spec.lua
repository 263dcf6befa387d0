-- What the transport makes of libcurl's results, through the test-only binding transport_answer_room: some of them come from no server
-- that a test could wait for.
local room = require "transport_answer_room"

local code = room.codes

describe("libcurl's result", function()
   it("is known by its code", function()
      for name, ending in pairs {
         OK = "ok", COULDNT_RESOLVE_HOST = "resolve", COULDNT_RESOLVE_PROXY = "resolve", COULDNT_CONNECT = "connect",
         OPERATION_TIMEDOUT = "timed_out", -- when connecting has lasted for minutes
         SSL_CONNECT_ERROR = "tls", PEER_FAILED_VERIFICATION = "tls", SSL_CACERT_BADFILE = "tls",
         FILESIZE_EXCEEDED = "too_large", OUT_OF_MEMORY = "too_large",
         UNSUPPORTED_PROTOCOL = "protocol", WEIRD_SERVER_REPLY = "protocol", BAD_CONTENT_ENCODING = "protocol",
         RECV_ERROR = "lost", SEND_ERROR = "lost", GOT_NOTHING = "lost", PARTIAL_FILE = "lost", HTTP2 = "lost", HTTP2_STREAM = "lost",
      } do
         assert.equal(ending, room.classify(code[name]), name)
      end
   end)

   it("of a reading that failed is known by its words", function()
      assert.equal("protocol", room.classify(code.RECV_ERROR, "Illegal or missing hexadecimal sequence in chunked-encoding"))
      assert.equal("too_large", room.classify(code.RECV_ERROR, "Too large response headers: 307211 > 307200"))
      assert.equal("lost", room.classify(code.RECV_ERROR, "Recv failure: Connection reset by peer"))
      assert.equal("lost", room.classify(code.PARTIAL_FILE, "Illegal or missing hexadecimal sequence in chunked-encoding"))
   end)

   it("of a newer libcurl is a lost connection, but for CURLE_TOO_LARGE", function()
      assert.equal("too_large", room.classify(100))
      assert.equal("lost", room.classify(99))
      assert.equal("lost", room.classify(1000))
   end)
end)
