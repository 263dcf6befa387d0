--- SHA-1 (FIPS 180-4), by which Redis names a script; used for nothing else.

local function rotated(x, n) return (x << n | x >> (32 - n)) & 0xFFFFFFFF end

-- The message with its padding: a multiple of 64 bytes.
local function padded(text)
   return text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. string.pack(">I8", #text * 8)
end

-- The 80 words of a block.
local function words_of(text, at)
   local w = { string.unpack(">" .. ("I4"):rep(16), text, at) }
   for i = 17, 80 do w[i] = rotated(w[i - 3] ~ w[i - 8] ~ w[i - 14] ~ w[i - 16], 1) end
   return w
end

-- What round `i` mixes of three of the five words, and its constant.
local function round(i, b, c, d)
   if i <= 20 then return b & c | ~b & d, 0x5A827999 end
   if i <= 40 then return b ~ c ~ d, 0x6ED9EBA1 end
   if i <= 60 then return b & c | b & d | c & d, 0x8F1BBCDC end
   return b ~ c ~ d, 0xCA62C1D6
end

--- The digest of a text as 40 hexadecimal digits.
return function(text)
   local h0, h1, h2, h3, h4 = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
   text = padded(text)
   for at = 1, #text, 64 do
      local w = words_of(text, at)
      local a, b, c, d, e = h0, h1, h2, h3, h4
      for i = 1, 80 do
         local mixed, constant = round(i, b, c, d)
         local next_a = (rotated(a, 5) + (mixed & 0xFFFFFFFF) + e + constant + w[i]) & 0xFFFFFFFF
         a, b, c, d, e = next_a, a, rotated(b, 30), c, d
      end
      h0, h1, h2 = (h0 + a) & 0xFFFFFFFF, (h1 + b) & 0xFFFFFFFF, (h2 + c) & 0xFFFFFFFF
      h3, h4 = (h3 + d) & 0xFFFFFFFF, (h4 + e) & 0xFFFFFFFF
   end
   return ("%08x%08x%08x%08x%08x"):format(h0, h1, h2, h3, h4)
end
