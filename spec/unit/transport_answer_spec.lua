-- What the transport makes of libcurl's results, through the test-only binding
-- transport_answer_room: some of them come from no server that a test could wait for.
local room = require "transport_answer_room"

local code = room.codes

describe("libcurl's result", function()
   it("is known by its code", function()
      for name, ending in pairs {
         OK = "ok", COULDNT_RESOLVE_HOST = "resolve", COULDNT_RESOLVE_PROXY = "resolve", COULDNT_CONNECT = "connect",
         WRITE_ERROR = "protocol",
         OPERATION_TIMEDOUT = "timed_out", -- when connecting has lasted for minutes
         SSL_CONNECT_ERROR = "tls", PEER_FAILED_VERIFICATION = "tls", SSL_CACERT_BADFILE = "tls",
         FILESIZE_EXCEEDED = "too_large", OUT_OF_MEMORY = "too_large",
         UNSUPPORTED_PROTOCOL = "protocol", WEIRD_SERVER_REPLY = "protocol", BAD_CONTENT_ENCODING = "protocol",
         RECV_ERROR = "lost", SEND_ERROR = "lost", GOT_NOTHING = "lost", PARTIAL_FILE = "lost", HTTP2 = "lost",
         HTTP2_STREAM = "lost",
      } do
         assert.equal(ending, room.classify(code[name]), name)
      end
   end)

   it("of a reading that failed is known by its words", function()
      assert.equal("protocol",
         room.classify(code.RECV_ERROR, "Illegal or missing hexadecimal sequence in chunked-encoding"))
      assert.equal("too_large", room.classify(code.RECV_ERROR, "Too large response headers: 307211 > 307200"))
      assert.equal("lost", room.classify(code.RECV_ERROR, "Recv failure: Connection reset by peer"))
      assert.equal("lost",
         room.classify(code.PARTIAL_FILE, "Illegal or missing hexadecimal sequence in chunked-encoding"))
   end)

   it("of a TLS handshake is known by its words", function()
      for words, ending in pairs {
         ["OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to localhost:443"] = "connect",
         ["schannel: failed to receive handshake, SSL/TLS connection failed"] = "connect",
         ["schannel: failed to send initial handshake data: sent -1 of 176 bytes"] = "connect",
         ["Recv failure: Connection was reset"] = "connect",
         ["getpeername() failed with errno 107: Transport endpoint is not connected"] = "connect",
         ["schannel: next InitializeSecurityContext failed: Unknown error (0x80092012) - The revocation function was "
            .. "unable to check revocation for the certificate."] = "tls",
         ["schannel: SNI or certificate check failed: SEC_E_WRONG_PRINCIPAL (0x80090322)"] = "tls",
         ["TLS connect error: error:0A00010B:SSL routines::wrong version number"] = "tls",
      } do
         assert.equal(ending, room.classify(code.SSL_CONNECT_ERROR, words, false), words)
      end
   end)

   it("of a newer libcurl is a lost connection, but for CURLE_TOO_LARGE", function()
      assert.equal("too_large", room.classify(100))
      assert.equal("lost", room.classify(99))
      assert.equal("lost", room.classify(1000))
   end)
end)
