-- The day that evidence stands for, such as that of the review it tells of; nothing: the day it was received.
ALTER TABLE evidence ADD COLUMN stands_for DATE;
