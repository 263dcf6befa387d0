-- What a farm costs that shares, on the model of spec/share: requests, and how soon an end is
-- heard, against one process that watches all the jobs.
local model = require "spec.bench.watch_model"
local world = require "spec.share.world"

local scenario = { title = "Sharing: many processes at the cost of one" }

local TEXT = [[
A model, not a measurement: the members of `topaz.share`, with the watcher's own plan, on a simulated clock against a
simulated server and a simulated Redis, which runs the real scripts. The jobs are those of the scenario "watching",
dealt out to the members. "each for itself" is as many watchers without sharing. The delay is from a job's end
until its watcher has it; with 100,000 jobs a round takes a minute. Both have the same draws of chance for their rounds.

Commands are counted as Redis gets them from its clients: not what scripts call inside, nor the messages that it
pushes. News come as such messages, so that hearing them costs no command, and a member sends one only where a message
was lost; beats, publishing and announcing are what is left. The last farm meets a server that takes 10 requests a
second and answers 429 beyond.]]

local FARMS = { { 2, 1000 }, { 10, 10000 }, { 50, 100000 } }
local REQUESTS_MOST = 1.05 -- times those of one process; one look at the list for each new leader
local LATER_MOST = 0.1     -- seconds by which the 95th percentile may be later
local COMMANDS_MOST = 50   -- a second at Redis in the largest farm, and one for each request
local LIMIT = { members = 20, jobs = 5000, seed = 1, limit = 10, newer = 10000000 }
local LIMIT_TIME = 300     -- seconds; all jobs are asked for one by one, and one round takes longer
local REFUSED_MOST, USED_LEAST = 2, 85 -- percent of the requests, of the limit

local APART_MOST = 10000   -- jobs; more take too long without sharing

local function bar(label, value, kind)
   return { label = label, value = value, low = value, high = value, kind = kind }
end

-- What the members would ask for without sharing: each watches its own jobs, on the list of all.
local function each_for_itself(members, jobs)
   local farm = world.new { members = members, jobs = jobs, seed = 1, setup = function(home) home.redis:stop() end }
   farm:run()
   return farm.requests
end

-- How much of a server's limit is used, and how often it is exceeded.
local function at_the_limit(goals)
   local farm = world.new(LIMIT):run(LIMIT_TIME)
   local used = 100 * (farm.requests - farm.refused) / (LIMIT.limit * LIMIT_TIME)
   local name = ("%d processes, a limit of %d a second: "):format(LIMIT.members, LIMIT.limit)
   goals[#goals + 1] = { name .. "used, %", value = used, least = USED_LEAST }
   goals[#goals + 1] = { name .. "429s, %", value = 100 * farm.refused / farm.requests, most = REFUSED_MOST }
end

function scenario.run(context)
   local rows, goals, bars = {}, {}, {}
   for _, farm_of in ipairs(FARMS) do
      local members, jobs = farm_of[1], farm_of[2]
      if jobs <= 1000 or not context.quick then
         local name = ("%d processes, %d jobs"):format(members, jobs)
         context.progress(name)
         local one = model.run { jobs = jobs, seed = 1 }
         local farm = world.new({ members = members, jobs = jobs, seed = 1 }):run()
         if farm:missing() > 0 or farm.doubled > 0 then error(name .. ": an end was lost or given out twice", 0) end
         local apart = jobs <= APART_MOST and each_for_itself(members, jobs) or nil
         local p95, extra = farm:p95(), math.ceil(jobs / 100) * (#farm.leads - 1)
         rows[#rows + 1] = {
            name, ("%d"):format(one.requests), ("%d"):format(farm.requests), apart and ("%d"):format(apart) or "",
            ("%.2f"):format(one.p95), ("%.2f"):format(p95), ("%.0f"):format(farm.redis.commands / farm.time),
            ("%d"):format(#farm.leads),
         }
         goals[#goals + 1] = {
            name .. ": requests, times those of one", value = (farm.requests - extra) / one.requests,
            most = REQUESTS_MOST,
         }
         goals[#goals + 1] = {
            name .. ": later than one, s, 95th percentile", value = p95 - one.p95,
            most = LATER_MOST,
         }
         if farm_of == FARMS[#FARMS] then
            goals[#goals + 1] = {
               name .. ": commands a second at Redis, above the requests",
               value = (farm.redis.commands - farm.requests) / farm.time, most = COMMANDS_MOST,
            }
         end
         bars[#bars + 1] = bar(name, farm.requests, "ours")
         if apart then bars[#bars + 1] = bar("the same, each for itself", apart, "peer") end
      end
   end
   if not context.quick then
      context.progress "a limit of the server"
      at_the_limit(goals)
   end
   return {
      text = TEXT, rows = rows, goals = goals,
      columns = {
         "farm", "one process", "shared", "each for itself", "p95 s, one", "p95 s, shared", "commands/s", "leaders",
      },
      chart = { title = scenario.title, bars = bars, unit = "Requests until all jobs have ended; fewer is better",
         whole = true },
   }
end

return scenario
