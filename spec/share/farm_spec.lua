-- What `make share` counts with, and the page that it writes.
local home = require "spec.share.farm.home"
local page = require "spec.share.farm.page"
local pool = require "spec.share.farm.pool"

describe("a row of the page", function()
   local function verdict(goal)
      local row, missed = page.row("x", goal)
      return row[3], row[4], row[5], missed
   end

   it("says what was seen, and whether the goal was met", function()
      assert.same({ "3", "≤ 3", "met", false }, { verdict { "a", seen = 3, most = 3 } })
      assert.same({ "4", "≤ 3", "missed", true }, { verdict { "a", seen = 4, most = 3 } })
      assert.same({ "4", "≥ 5", "missed", true }, { verdict { "a", seen = 4, least = 5 } })
      assert.same({ "4", "", "", false }, { verdict { "a", seen = 4 } })
      assert.same({ "–", "≤ 3", "not seen", true }, { verdict { "a", most = 3 } })
   end)

   it("that is a time fails no run", function()
      assert.same({ "13.3", "≤ 13", "missed", false }, { verdict { "a", seen = 13.3, most = 13, is_time = true } })
   end)
end)

describe("the page", function()
   local path
   before_each(function() path = os.tmpname() end)
   after_each(function() os.remove(path) end)

   local function read()
      local file <close> = assert(io.open(path))
      local rows = {}
      for name, what, seen in file:read "a":gmatch "\n| (%l) | (%l+) | (%d+) |" do
         rows[#rows + 1] = name .. " " .. what .. " " .. seen
      end
      return rows
   end

   local function write(...)
      local rows = {}
      for _, given in ipairs { ... } do
         local name, what, seen = given:match "(%l) (%l+) (%d+)"
         rows[#rows + 1] = page.row(name, { what, seen = math.tointeger(tonumber(seen)) })
      end
      page.write(path, rows, { "a", "b", "c" }, { a = "x", b = "y", c = "z" }, "make share")
   end

   it("keeps the rows of measurements that were not run again, in order", function()
      write("c one 1", "b one 2", "b two 3")
      assert.same({ "b one 2", "b two 3", "c one 1" }, read())
      write("a one 4", "b one 5")
      assert.same({ "a one 4", "b one 5", "c one 1" }, read())
   end)
end)

describe("the peak of a log", function()
   local function log(...)
      local requests = {}
      for i, time in ipairs { ... } do requests[i] = { time = time } end
      return requests
   end

   it("is the most requests within a second", function()
      assert.equal(0, home.peak({}))
      assert.equal(3, home.peak(log(0, 0.5, 0.9, 1.0, 2.5)))
      assert.equal(2, home.peak(log(0, 0.5, 0.9, 1.6, 2.5), 1.5, 2))
   end)
end)

describe("the pool", function()
   it("runs so many at a time, and all of them", function()
      local running, most, ended, tasks = 0, 0, 0, {}
      for i = 1, 5 do
         tasks[i] = function()
            running = running + 1
            most = math.max(most, running)
            pool.sleep(0)
            running, ended = running - 1, ended + 1
         end
      end
      pool.run(tasks, 2)
      assert.same({ 2, 5 }, { most, ended })
   end)

   it("closes the others when one fails", function()
      local closed = 0
      local ok, problem = pcall(pool.run, {
         function()
            local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
            pool.sleep(60)
         end,
         function()
            pool.sleep(0)
            error("no", 0)
         end,
      })
      assert.same({ false, "no", 1 }, { ok, problem, closed })
   end)
end)
