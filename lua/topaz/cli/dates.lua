--- Times as people and programs write them: ISO 8601 dates, and Unix seconds.
local dates = {}

--- The members of a status that are Unix seconds.
dates.MEMBERS = { eta = true, creation_time = true, modification_time = true }

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_of(year, month)
   local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
   return month == 2 and leap and 29 or DAYS[month]
end

-- Days from 1970-01-01; the year 1970 or later.
local function day_number(year, month, day)
   local before = year - 1
   local number = 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477 + day - 1
   for i = 1, month - 1 do number = number + days_of(year, i) end
   return number
end

-- Seconds that a zone is ahead of UTC; nil for "": none is given; false: not a zone.
local function zone_of(text)
   if text == "" then return nil end
   if text == "Z" or text == "z" then return 0 end
   local sign, hours, minutes = text:match "^([+-])(%d%d):?(%d%d)$"
   if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then return false end
   return (sign == "-" and -60 or 60) * (60 * tonumber(hours) + tonumber(minutes))
end

-- Hours, minutes, seconds and what is behind them of "T12:00", " 12:00:30.5Z" and the like; nil:
-- it is not a time of the day.
local function clock_of(text)
   if text == "" then return 0, 0, 0, "" end
   local hour, minute, rest = text:match "^[Tt ](%d%d):(%d%d)(.*)$"
   if not hour then return nil end
   local second, behind = rest:match "^:(%d%d)(.*)$"
   rest = second and behind:gsub("^[.,]%d+", "") or rest
   hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second or 0)
   if hour > 23 or minute > 59 or second > 59 then return nil end
   return hour, minute, second, rest
end

--- Reads "2026-01-31", "2026-01-31T12:00", "2026-01-31 12:00:30Z", "2026-01-31T12:00+02:00".
-- @tparam string text
-- @treturn table|nil for `dates.unix`; nil: it is not a date
function dates.read(text)
   local year, month, day, rest = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$"
   if not year then return nil end
   year, month, day = tonumber(year), tonumber(month), tonumber(day)
   if year < 1970 or month < 1 or month > 12 or day < 1 or day > days_of(year, month) then return nil end
   local hour, minute, second, behind = clock_of(rest)
   local zone
   if hour then zone = zone_of(behind) end
   if not hour or zone == false then return nil end
   return { year = year, month = month, day = day, hour = hour, min = minute, sec = second, zone = zone }
end

--- The latest time that the system's functions know: of 32 bits on some, to the year 3000 on
-- Windows; no system shows years of five digits as others do.
dates.LATEST = (1 << 31) - 1
for _, seconds in ipairs { 32503593600, (1 << 37) - 1 } do
   if pcall(os.date, "!%Y", seconds) then dates.LATEST = seconds end
end

--- The Unix seconds of a date. Behind `LATEST` a date without a zone is taken as UTC.
-- @tparam table date of `dates.read`
-- @tparam boolean utc what a date without a zone is in: UTC, else this machine's zone
-- @treturn integer
function dates.unix(date, utc)
   local seconds = 86400 * day_number(date.year, date.month, date.day) + 3600 * date.hour + 60 * date.min + date.sec
   if date.zone or utc or seconds > dates.LATEST - 86400 then return seconds - (date.zone or 0) end
   return os.time { year = date.year, month = date.month, day = date.day, hour = date.hour, min = date.min,
      sec = date.sec }
end

local FORMS = { iso = "!%Y-%m-%dT%H:%M:%SZ", minutes = "%Y-%m-%d %H:%M", seconds = "%Y-%m-%d %H:%M:%S" }

--- A member that is Unix seconds, in words.
-- @param value of the member: what is not a time is left as it came
-- @tparam string form "iso" (UTC, for programs), "minutes" or "seconds" (for people)
-- @tparam table o `epoch`: as a number; `utc`: not in this machine's zone
-- @treturn string|nil nil: as it came
function dates.shown(value, form, o)
   if o.epoch or math.type(value) ~= "integer" or value < 0 or value > dates.LATEST then return nil end
   local pattern = FORMS[form]
   return os.date((o.utc and form ~= "iso" and "!" or "") .. pattern, value)
end

return dates
