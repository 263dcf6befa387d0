--- Compressed bodies, valid and harmful, by the zlib that nginx itself is linked with.
-- (LuaJIT, inside nginx.)

local ffi = require "ffi"

local gzip = {}

ffi.cdef [[
typedef struct {
  const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
  unsigned char *next_out; unsigned avail_out; unsigned long total_out;
  const char *msg; void *state; void *zalloc; void *zfree; void *opaque;
  int data_type; unsigned long adler; unsigned long reserved;
} emulator_z_stream;
int deflateInit2_(emulator_z_stream *, int level, int method, int bits, int memory, int strategy,
                  const char *version, int size);
int deflate(emulator_z_stream *, int flush);
int deflateEnd(emulator_z_stream *);
const char *zlibVersion(void);
unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned length);
unsigned long crc32_combine(unsigned long first, unsigned long second, long second_length);
]]

local zlib = ffi.load("libz.so.1")

local FULL_FLUSH, FINISH, DEFLATED, GZIP_FORMAT, RAW_FORMAT = 3, 4, 8, 15 + 16, -15

-- Returns `text` compressed. With FULL_FLUSH the result ends on a whole byte and refers to no bytes
-- before it, so it may be repeated.
local function deflate(text, format, flush)
   local stream = ffi.new("emulator_z_stream")
   local rc = zlib.deflateInit2_(stream, 9, DEFLATED, format, 9, 0, zlib.zlibVersion(), ffi.sizeof(stream))
   if rc ~= 0 then error("deflateInit2: " .. rc) end
   local room = #text + math.floor(#text / 1000) + 100
   local out = ffi.new("unsigned char[?]", room)
   stream.next_in, stream.avail_in = text, #text
   stream.next_out, stream.avail_out = out, room
   zlib.deflate(stream, flush)
   local result = ffi.string(out, room - stream.avail_out)
   zlib.deflateEnd(stream)
   return result
end

function gzip.whole(text)
   return deflate(text, GZIP_FORMAT, FINISH)
end

local function little_endian(number)
   local bytes = {}
   for i = 1, 4 do
      bytes[i] = string.char(number % 256)
      number = math.floor(number / 256)
   end
   return table.concat(bytes)
end

--- Returns a short text that unpacks to an open list and about `size` bytes of white space. It is a
-- thousandth as long.
function gzip.bomb(size)
   local mebibyte = (" "):rep(1024 * 1024)
   local head, unit = '{"data":[', deflate(mebibyte, RAW_FORMAT, FULL_FLUSH)
   local count = math.ceil(size / #mebibyte)
   local sum, unit_sum = zlib.crc32(0, head, #head), zlib.crc32(0, mebibyte, #mebibyte)
   for _ = 1, count do sum = zlib.crc32_combine(sum, unit_sum, #mebibyte) end
   return "\31\139\8\0\0\0\0\0\0\255" .. deflate(head, RAW_FORMAT, FULL_FLUSH) .. unit:rep(count) .. "\3\0"
      .. little_endian(tonumber(sum)) .. little_endian((#head + count * #mebibyte) % 2 ^ 32)
end

return gzip
