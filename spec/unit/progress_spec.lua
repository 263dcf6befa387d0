-- topaz.progress: bars as a function of what was told, the time and the width.
-- topaz.terminal.text: widths and escapes.
local progress = require "topaz.progress"
local text = require "topaz.terminal.text"

local NOW = 1760000000

local function job(n, word, percent, more)
   local status = {
      process_id = ("00000000-0000-4000-8000-%012d"):format(n), filename = ("IMG_%02d.png"):format(n), status = word,
      progress = percent, modification_time = NOW,
   }
   for name, value in pairs(more or {}) do status[name] = value end
   return status
end

local ASCII = { ascii = true }

describe("a bar", function()
   it("has the width it is asked for, whatever it shows", function()
      for percent = 0, 100 do
         for _, width in ipairs { 3, 4, 11, 40 } do
            assert.equal(width, text.width(progress.bar(percent, width)))
            assert.equal(width, text.width(progress.bar(percent, width, true)))
         end
      end
   end)

   it("fills by eighths of a cell, or by whole ones in ASCII", function()
      assert.equal("▕    ▏", progress.bar(0, 6))
      assert.equal("▕██  ▏", progress.bar(50, 6))
      assert.equal("▕██▌ ▏", progress.bar(62.5, 6))
      assert.equal("▕████▏", progress.bar(100, 6))
      assert.equal("[##..]", progress.bar(62.5, 6, true))
      assert.equal("[###.]", progress.bar(99, 6, true))
   end)
end)

describe("the lines", function()
   it("count all jobs whole in a narrow terminal too", function()
      local bars = progress.new()
      for i = 1, 60 do bars:update(job(i, "Pending", 0)) end
      for width, expected in pairs { [60] = "^0 of 60 finished  ", [40] = "^0 of 60 +▕", [26] = "^0 of 60  ",
         [20] = "^0 of 60 +0 %%$" } do
         assert.matches(expected, bars:total_line(width, NOW))
      end
   end)

   it("are exactly these for three jobs of which one has ended", function()
      local bars = progress.new()
      bars:update(job(1, "Completed", 100), NOW)
      bars:update(job(2, "Processing", 50, { eta = NOW + 80 }), NOW)
      bars:update(job(3, "Pending", 0), NOW)
      assert.same({
         "IMG_02.png                  [############.............]  50 %  1m 20s left",
         "IMG_03.png                  [.........................]   0 %  Pending",
         "1 of 3 finished             [############.............]  50 %",
      }, bars:lines(78, NOW, ASCII))
      assert.same({
         "IMG_02.png        ▕███████████▌           ▏  50 %",
         "IMG_03.png        ▕                       ▏   0 %",
         "1 of 3 finished   ▕███████████▌           ▏  50 %",
      }, bars:lines(49, NOW))
      assert.same({ "IMG_02.png 50 %", "IMG_03.png 0 %", "1 of 3 50 %" }, bars:lines(18, NOW))
   end)

   it("never are wider than asked for, with names of any kind", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 37, { filename = "日本語のファイル名前が長い.png", eta = NOW + 100000 }), NOW)
      bars:update(job(2, "Processing", 5, { filename = "e\u{301}te\u{301}.png", modification_time = NOW - 90000 }), NOW)
      bars:update(job(3, ("Word"):rep(20), 5, { filename = ("x"):rep(300) }), NOW)
      for width = 1, 140 do
         for _, line in ipairs(bars:lines(width, NOW)) do
            assert.is_true(text.width(line) <= width, width .. ": " .. line)
         end
      end
   end)

   it("have room for each mark of a known status, so that none is cut", function()
      for _, since in ipairs { 120, 500, 86399, 86400 * 99 - 3601 } do
         local bars, said = progress.new(), "stalled " .. text.duration(since)
         bars:update(job(1, "Processing", 5, { modification_time = NOW - since }), NOW)
         for width = 60, 140 do
            local line = bars:lines(width, NOW)[1]
            assert.is_true(text.width(line) <= width, line)
            assert.is_truthy(line:find(said, 1, true), line)
         end
      end
   end)

   it("write out what could steer the terminal", function()
      local bars = progress.new()
      bars:update(job(1, "Pro\27[2J", 5, { filename = "a\27]0;x\7b\n\u{9B}c\u{202E}d\xFF" }), NOW)
      local line = table.concat(bars:lines(110, NOW))
      assert.is_nil(line:find "%c")
      assert.is_truthy(line:find("a\\e]0;x\\x07b\\n\\u{9B}c\\u{202…", 1, true), line)
      assert.is_truthy(line:find("Pro\\e[2J", 1, true))
   end)

   it("are of those that are furthest when not all may be shown", function()
      local bars = progress.new()
      for i = 1, 9 do bars:update(job(i, "Processing", i * 10), NOW) end
      local lines = bars:lines(80, NOW, { rows = 2, ascii = true })
      assert.equal(3, #lines)
      assert.matches("^IMG_08", lines[1])
      assert.matches("^IMG_09", lines[2])
      assert.matches("^0 of 9 finished", lines[3])
   end)

   it("get their colours from the caller", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 50), NOW)
      local words = {}
      bars:lines(80, NOW, { paint = function(word, s) words[#words + 1] = word; return s end })
      assert.same({ "Processing", "Processing" }, words)
   end)
end)

describe("what is shown", function()
   local function percent(bars, now) return bars:summary(now).percent end

   it("glides to what was reported and stays there", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 10), NOW)
      bars:update(job(1, "Processing", 30), NOW + 2)
      assert.equal(10, percent(bars, NOW + 2))
      assert.equal(20, percent(bars, NOW + 3))
      assert.equal(30, percent(bars, NOW + 4))
      assert.equal(30, percent(bars, NOW + 400))
   end)

   it("takes at most three seconds for that, however long nothing was reported", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 10), NOW)
      bars:update(job(1, "Processing", 40), NOW + 60)
      assert.equal(20, percent(bars, NOW + 61))
      assert.equal(40, percent(bars, NOW + 63))
   end)

   it("never goes back and never beyond the report, whatever the server says", function()
      local bars, last, most = progress.new(), 0, 0
      local seed = 7
      for step = 1, 500 do
         seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
         local report = seed >> 16 & 127 -- also above 100
         most = math.max(most, math.min(report, 100))
         bars:update(job(1, "Processing", report), NOW + step * 0.7)
         for part = 0, 6 do
            local now = percent(bars, NOW + step * 0.7 + part * 0.1)
            assert.is_true(now >= last and now <= most)
            last = now
         end
      end
   end)

   it("of all jobs does not go back when a job is told again, but may when one is added", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 80), NOW)
      assert.equal(80, percent(bars, NOW))
      bars:update(job(1, "Processing", 20), NOW + 1)
      assert.equal(80, percent(bars, NOW + 9))
      bars:update(job(2, "Pending", 0), NOW + 10)
      assert.equal(40, percent(bars, NOW + 10))
   end)

   it("counts failed and cancelled jobs as ended", function()
      local bars = progress.new()
      bars:update(job(1, "Failed", 63), NOW)
      bars:update(job(2, "Cancelled", 0), NOW)
      local all = bars:summary(NOW)
      assert.same({ 2, 2, 100 }, { all.total, all.done, all.percent })
      assert.same({ Failed = 1, Cancelled = 1 }, all.by_status)
      assert.is_nil(all.seconds_left)
   end)

   it("is nothing without jobs", function()
      assert.same({}, progress.new():lines(80, NOW))
      assert.same({ total = 0, done = 0, percent = 0, by_status = {}, stalled = 0 }, progress.new():summary(NOW))
   end)

   it("forgets a job that is removed", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 10), NOW)
      bars:update(job(2, "Processing", 10), NOW)
      bars:remove(job(1).process_id:upper())
      assert.equal(1, bars:summary(NOW).total)
   end)
end)

describe("the time left", function()
   local function left(bars, now) return bars:summary(now).seconds_left end

   it("is the job's own estimate, by the server's clock", function()
      local bars = progress.new { skew = 1000 }
      bars:update(job(1, "Processing", 10, { eta = NOW + 1060 }), NOW)
      assert.equal(60, left(bars, NOW))
      assert.equal(45, left(bars, NOW + 15))
   end)

   it("is by the pace where the estimate makes no sense", function()
      for _, eta in ipairs { 0, NOW - 5, NOW + 1e9, "soon" } do
         local bars = progress.new()
         bars:update(job(1, "Processing", 10, { eta = eta }), NOW)
         assert.is_nil(left(bars, NOW))
         bars:update(job(1, "Processing", 30, { eta = eta }), NOW + 10)
         assert.equal(35, left(bars, NOW + 10))
      end
   end)

   it("of all is that of the last one, and nil while one is not known", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 10, { eta = NOW + 60 }), NOW)
      bars:update(job(2, "Processing", 10, { eta = NOW + 90 }), NOW)
      assert.equal(90, left(bars, NOW))
      bars:update(job(3, "Pending", 0), NOW)
      assert.is_nil(left(bars, NOW))
   end)

   it("is smoothed: a new estimate moves it in part", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 10, { eta = NOW + 100 }), NOW)
      bars:update(job(1, "Processing", 11, { eta = NOW + 200 }), NOW + 1)
      assert.is_true(math.abs(left(bars, NOW + 1) - 139) < 1e-6)
   end)
end)

describe("the mark of a stalled job", function()
   local function mark(more, o, later)
      local bars = progress.new(o)
      bars:update(job(1, more.status or "Processing", 42, more), NOW)
      return bars:lines(80, NOW + (later or 0), ASCII)[1]:match "%%  (.-) *$"
   end

   it("comes when its modification_time is too old", function()
      assert.equal("Processing", mark({}, nil, 119))
      assert.equal("stalled 2m", mark({}, nil, 120))
      assert.equal("stalled 1h 2m", mark({ modification_time = NOW - 3720 }))
      assert.equal("stalled 10s", mark({}, { stalled_after = 10 }, 10))
   end)

   it("is by the server's clock", function()
      assert.equal("stalled 5m", mark({}, { skew = 300 }))
      assert.equal("Processing", mark({ modification_time = NOW - 3720 }, { skew = -3720 }))
   end)

   it("does not come for a job that waits, has ended, or tells no time", function()
      assert.equal("Pending", mark({ status = "Pending", modification_time = 0 }))
      local bars = progress.new()
      bars:update(job(1, "Failed", 42, { modification_time = 0 }), NOW)
      assert.equal(0, bars:summary(NOW).stalled)
      assert.equal("Processing", mark({ modification_time = "never" }))
   end)

   it("goes when the job moves on, also without a change of its progress", function()
      local bars = progress.new()
      bars:update(job(1, "Processing", 42), NOW)
      assert.equal(1, bars:summary(NOW + 200).stalled)
      bars:update(job(1, "Processing", 42, { modification_time = NOW + 190 }), NOW + 201)
      assert.equal(0, bars:summary(NOW + 201).stalled)
   end)
end)

describe("text", function()
   it("knows how many cells it takes", function()
      for s, width in pairs {
         [""] = 0, abc = 3, ["é"] = 1, ["e\u{301}"] = 1, ["日本"] = 4, ["한글"] = 4, ["ｆ"] = 2, ["😀"] = 2,
         ["a\u{200B}b"] = 2, ["Ж"] = 1,
      } do
         assert.equal(width, text.width(s), s)
      end
   end)

   it("fits, never cutting a character", function()
      assert.equal("日本…", text.fit("日本語", 5))
      assert.equal("日…", text.fit("日本語", 4))
      assert.equal("日本語", text.fit("日本語", 6))
      assert.equal("…", text.fit("abc", 1))
      assert.equal("", text.fit("abc", 0))
      assert.equal("ab~", text.fit("abcd", 3, "~"))
      assert.equal("ab  ", text.pad("ab", 4))
      assert.equal("  ab", text.pad("ab", 4, nil, true))
      assert.equal("日… ", text.pad("日本語", 4))
   end)

   it("says times", function()
      for seconds, said in pairs {
         [0] = "0s", [59.4] = "59s", [59.6] = "1m", [80] = "1m 20s", [3600] = "1h", [7500] = "2h 5m", [86400] = "1d",
         [273600] = "3d 4h",
      } do
         assert.equal(said, text.duration(seconds))
      end
   end)

   it("reads times", function()
      for said, seconds in pairs { ["7d"] = 604800, ["36h"] = 129600, ["90m"] = 5400, ["45s"] = 45, ["90"] = 90,
         ["1h30m"] = 5400, ["1.5h"] = 5400, ["2w"] = 1209600, ["0"] = 0 } do
         assert.equal(seconds, text.seconds(said), said)
      end
      for _, said in ipairs { "", "x", "7x", "-1", "1h30", "30 m", "h", "1e3", "0x10", "5 ", "7D" } do
         assert.is_nil(text.seconds(said), said)
      end
   end)
end)
