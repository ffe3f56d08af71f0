"""What plays on a day, as a commune officer would tell it; the words are explained in `timeline_words`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.wire.timeline_words import recurrence, stories, to_day, told
from wire.timeline.recurrence import occurs

CASES = """
== one_after_another | Các tin trong một khung giờ phát nối tiếp nhau
tin xã a 10:00
tin xã b 05:00
khung xã 17:00 60p: a, b
→ 17:00:00-17:10:00 a
→ 17:10:00-17:15:00 b

== ends_by_finishing | Khung hết giờ thì phát nốt tin đang nói, tin chưa bắt đầu thì thôi
tin xã a 10:00
tin xã b 10:00
tin xã c 10:00
khung xã 17:00 15p: a, b, c
→ 17:00:00-17:10:00 a
→ 17:10:00-17:20:00 b
✗ 17:20:00 c window_ended

== window_end_is_outside | Đúng giây khung hết thì không bắt đầu tin nữa
tin xã a 10:00
tin xã b 05:00
khung xã 17:00 10p: a, b
→ 17:00:00-17:10:00 a
✗ 17:10:00 b window_ended

== priority_waits_for_the_item | Xã: bản tin 17:00 dài 10 phút; Tỉnh ưu tiên 17:05: tỉnh nói sau khi xã nói hết tin
tin xã a 10:00
tin xã b 05:00
tin tỉnh x 02:00
khung xã 17:00 60p: a, b
khung tỉnh 17:05 30p ưu tiên: x
→ 17:00:00-17:10:00 a
→ 17:10:00-17:12:00 x
→ 17:12:00-17:17:00 b

== priority_window_over | Ưu tiên của tỉnh chỉ có đến 17:08, xã đang nói đến 17:10: không phát nữa và nói rõ vì sao
tin xã a 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung tỉnh 17:05 3p ưu tiên: x
→ 17:00:00-17:10:00 a
✗ 17:10:00 x window_ended

== ordinary_from_above | Khung thông thường của tỉnh không phát ở xã
tin tỉnh x 02:00
khung tỉnh 17:00 30p: x
✗ 17:00:00 khung ordinary_from_above

== named_by_the_commune | Tin thông thường của tỉnh phát khi xã đưa vào khung của mình
tin tỉnh x 02:00
mời tỉnh x
khung xã 17:00 30p: tỉnh/x
→ 17:00:00-17:02:00 x

== not_offered | Tin mà tỉnh không mời thì xã không lấy được
tin tỉnh x 02:00
khung xã 17:00 30p: tỉnh/x
✗ 17:00:00 x not_offered

== withdrawn | Tỉnh rút tin thì xã không phát nữa; tin sau phát lên thay
tin tỉnh x 02:00
tin xã a 10:00
mời tỉnh x
rút tỉnh x
khung xã 17:00 30p: tỉnh/x, a
→ 17:00:00-17:10:00 a
✗ 17:00:00 x withdrawn

== changed | Tin đã đổi tiếng sau khi xã ký thì không phát
tin tỉnh x 02:00
mời tỉnh x
khung xã 17:00 30p: tỉnh/x#x-vi, tỉnh/x#cu
→ 17:00:00-17:02:00 x
✗ 17:02:00 x changed

== neighbour | Khung không lấy được tin của xã khác
tin xã a 10:00
khung xã 17:00 30p: 08/00700/a, a
→ 17:00:00-17:10:00 a
✗ 17:00:00 a not_above

== series_newest | Loạt tin: phát tin mới nhất đang còn giá trị
tin tỉnh s3 03:00 từ 18/12/2026 00:00 đến 20/12/2026 00:00
tin tỉnh s2 03:00 từ 19/12/2026 00:00 đến 21/12/2026 00:00
tin tỉnh s1 03:00 từ 20/12/2026 17:01 đến 22/12/2026 00:00
loạt tỉnh thoi-su s1 s2 s3
tin xã a 01:00
khung xã 17:00 30p: loạt tỉnh/thoi-su, loạt tỉnh/thoi-su, a
→ 17:00:00-17:03:00 s2
→ 17:03:00-17:06:00 s1
→ 17:06:00-17:07:00 a

== series_falls_back | Tin mới nhất hết hạn giữa khung thì tin trước đó phát; cùng lúc thì mã lớn hơn là mới hơn
tin tỉnh s1 03:00 từ 18/12/2026 00:00
tin tỉnh s2 03:00 từ 18/12/2026 00:00
tin tỉnh s3 03:00 từ 19/12/2026 00:00 đến 20/12/2026 17:02
loạt tỉnh thoi-su s3 s2 s1
khung xã 17:00 30p: loạt tỉnh/thoi-su, loạt tỉnh/thoi-su
→ 17:00:00-17:03:00 s3
→ 17:03:00-17:06:00 s2

== series_withdrawn | Rút tin mới nhất của loạt thì tin trước đó phát lại
tin tỉnh s1 03:00 từ 18/12/2026 00:00
tin tỉnh s2 04:00 từ 19/12/2026 00:00
loạt tỉnh thoi-su s1 s2
rút tỉnh s2
khung xã 17:00 30p: loạt tỉnh/thoi-su
→ 17:00:00-17:03:00 s1

== series_empty | Loạt tin không còn tin nào có giá trị
tin tỉnh s1 03:00 đến 19/12/2026 00:00
loạt tỉnh thoi-su s1
khung xã 17:00 30p: loạt tỉnh/thoi-su, loạt tỉnh/khong-co
✗ 17:00:00 thoi-su series_empty
✗ 17:00:00 khong-co no_series

== validity | Tin chưa đến ngày và tin đã hết hạn không phát
tin xã a 01:00 từ 20/12/2026 17:01
tin xã b 02:00
tin xã c 01:00 đến 20/12/2026 17:02
tin xã d 01:00 từ 20/12/2026 17:02 đến 20/12/2026 17:03
khung xã 17:00 30p: a, b, c, d
→ 17:00:00-17:02:00 b
→ 17:02:00-17:03:00 d
✗ 17:00:00 a not_yet_valid
✗ 17:02:00 c no_longer_valid

== play_until | Chương trình hết hạn lúc 17:12: tin không kịp xong trước đó không phát
tin xã a 10:00
tin xã b 05:00
khung xã 17:00 60p: a, b
hết hạn xã 20/12/2026 17:12
→ 17:00:00-17:10:00 a
✗ 17:10:00 b programme_ended

== play_until_of_the_slot | Chương trình xã hết hạn thì khung của xã thôi, dù tin của tỉnh còn hạn
tin tỉnh x 02:00
mời tỉnh x
khung xã 17:00 60p: tỉnh/x, dự phòng
dự phòng xã n
tin xã n 01:00
hết hạn xã 20/12/2026 16:00
✗ 17:00:00 x programme_ended
✗ 17:00:00 n programme_ended

== play_until_above | Chương trình tỉnh hết hạn: tin của tỉnh trong khung của xã cũng thôi
tin tỉnh x 02:00
mời tỉnh x
tin xã a 10:00
khung xã 17:00 60p: tỉnh/x, a
hết hạn tỉnh 20/12/2026 16:00
→ 17:00:00-17:10:00 a
✗ 17:00:00 x programme_ended

== forty_five_days | Ký ngày 05/11, ghi hạn xa đến mấy cũng chỉ phát 45 ngày: 19/12 còn phát
ngày 19/12/2026
ký 05/11/2026
tin xã a 10:00
khung xã 17:00 60p: a
hết hạn xã 20/12/2030 00:00
→ 17:00:00-17:10:00 a

== day_forty_six | … sang 20/12 thì thôi
ký 05/11/2026
tin xã a 10:00
khung xã 17:00 60p: a
hết hạn xã 20/12/2030 00:00
✗ 17:00:00 a programme_ended

== signed_for_2099 | Khoá bị trộm ký chương trình ghi năm 2099: trước ngày đó không phát gì
ký 20/12/2099
tin xã a 10:00
khung xã 17:00 60p: a
hết hạn xã 30/12/2099 00:00
✗ 17:00:00 a programme_not_begun

== signed_tomorrow | Đồng hồ loa chậm chưa tới một ngày thì chương trình vẫn phát
ký 21/12/2026
tin xã a 10:00
khung xã 17:00 60p: a
→ 17:00:00-17:10:00 a

== order | Thứ tự do xã ký: b của xã trước, rồi x của tỉnh
tin xã a 05:00
tin xã b 05:00
tin tỉnh x 05:00
thứ tự b x
khung xã 17:00 60p ưu tiên: a
khung tỉnh 17:00 60p ưu tiên: x
khung xã 17:00 60p ưu tiên: b
→ 17:00:00-17:05:00 b
→ 17:05:00-17:10:00 x
→ 17:10:00-17:15:00 a

== no_order | Không ghi thứ tự: bắt đầu sớm hơn, rồi cấp trên, rồi mã
tin xã a 05:00
tin xã b 05:00
tin tỉnh x 05:00
khung xã 17:00 60p ưu tiên: a
khung xã 16:58 60p ưu tiên: b
khung tỉnh 17:00 60p ưu tiên: x
→ 16:58:00-17:03:00 b
→ 17:03:00-17:08:00 x
→ 17:08:00-17:13:00 a

== order_behind_a_dead_line | Tin đã rút đứng trước không làm mất chỗ của tin có thứ tự
tin xã a 05:00
tin xã b 05:00
rút xã r
thứ tự b
khung xã 17:00 60p ưu tiên: a
khung xã 17:01 60p ưu tiên: r, b
tin xã c 05:00
khung xã 17:00 60p ưu tiên: c
→ 17:00:00-17:05:00 a
→ 17:05:00-17:10:00 b
→ 17:10:00-17:15:00 c
✗ 17:05:00 r withdrawn

== order_line_by_line | Thứ tự xét từng tin: a đã phát rồi thì b cùng khung không được ưu tiên theo
tin xã a 05:00
tin xã b 05:00
tin xã c 05:00
tin xã d 05:00
thứ tự a
khung xã 17:01 60p ưu tiên: a, b
khung xã 17:00 60p ưu tiên: c, d
→ 17:00:00-17:05:00 c
→ 17:05:00-17:10:00 a
→ 17:10:00-17:15:00 d
→ 17:15:00-17:20:00 b

== order_binds_the_hamlet | Thứ tự xã ký cũng là thứ tự ở thôn; tin thông thường của nơi gần hơn đi trước
cụm 08/00694/07
tin xã a 05:00
tin tỉnh x 05:00
tin xã c 05:00
tin thôn d 05:00
thứ tự a
khung xã 17:00 60p ưu tiên: a
khung tỉnh 17:00 60p ưu tiên: x
khung xã 17:00 60p: c
khung thôn 17:00 60p: d
→ 17:00:00-17:05:00 a
→ 17:05:00-17:10:00 x
→ 17:10:00-17:15:00 d
→ 17:15:00-17:20:00 c

== ordinary_overlap | Hai khung thông thường của xã chồng nhau: khung sớm phát hết rồi đến khung kia
tin xã a 10:00
tin xã b 10:00
tin xã c 10:00
khung xã 17:00 60p: a, b
khung xã 17:05 60p: c
→ 17:00:00-17:10:00 a
→ 17:10:00-17:20:00 b
→ 17:20:00-17:30:00 c

== fixed_holds_speech | Tỉnh đúng giờ 17:05: tin 10 phút của xã chờ đến sau, tin ngắn vẫn kịp
tin xã a 02:00
tin xã b 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: a, b
khung tỉnh 17:05 30p ưu tiên đúng giờ: x
→ 17:00:00-17:02:00 a
→ 17:05:00-17:07:00 x
→ 17:07:00-17:17:00 b

== fixed_cuts_music | Tỉnh đúng giờ 17:05: nhạc dừng đúng giây đó
tin xã n 10:00 nhạc
tin xã b 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: n, b
khung tỉnh 17:05 30p ưu tiên đúng giờ: x
→ 17:00:00-17:05:00 n
→ 17:05:00-17:07:00 x
→ 17:07:00-17:17:00 b

== fixed_cuts_no_stub | Còn 5 giây đến giờ của tỉnh thì không bật nhạc lên nữa
tin xã a 04:55
tin xã n 10:00 nhạc
tin tỉnh x 02:00
khung xã 17:00 60p: a, n
khung tỉnh 17:05 30p ưu tiên đúng giờ: x
→ 17:00:00-17:04:55 a
→ 17:05:00-17:07:00 x
→ 17:07:00-17:17:00 n

== fixed_before_order | Đến đúng giây thì tin đúng giờ đi trước, dù xã xếp tin khác lên đầu
tin xã a 05:00
tin tỉnh x 02:00
thứ tự a
khung xã 17:00 60p ưu tiên: a
khung tỉnh 17:00 30p ưu tiên đúng giờ: x
→ 17:00:00-17:02:00 x
→ 17:02:00-17:07:00 a

== fixed_with_nothing | Khung đúng giờ không còn gì để phát thì không ai phải chờ
tin xã a 10:00
tin tỉnh x 02:00
rút tỉnh x
khung xã 17:00 60p: a
khung tỉnh 17:05 30p ưu tiên đúng giờ: x
→ 17:00:00-17:10:00 a
✗ 17:10:00 x withdrawn

== fixed_gap_is_used | Trong lúc tin dài chờ, khung khác có tin ngắn vẫn phát
tin xã a 10:00
tin xã b 01:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung xã 17:01 60p: b
khung tỉnh 17:05 30p ưu tiên đúng giờ: x
→ 17:01:00-17:02:00 b
→ 17:05:00-17:07:00 x
→ 17:07:00-17:17:00 a

== reserve | Quỹ dự phòng lặp lại đến hết khung, và dừng cho tin đúng giờ
tin xã a 10:00
tin xã n 04:00 nhạc
tin xã m 03:00
tin tỉnh x 01:00
dự phòng xã n m
khung xã 17:00 25p: a, dự phòng
khung tỉnh 17:20 5p ưu tiên đúng giờ: x
→ 17:00:00-17:10:00 a
→ 17:10:00-17:14:00 n
→ 17:14:00-17:17:00 m
→ 17:17:00-17:20:00 n
→ 17:20:00-17:21:00 x
→ 17:21:00-17:24:00 m
→ 17:24:00-17:28:00 n

== reserve_empty | Quỹ dự phòng trống thì nói là trống
tin xã n 04:00 nhạc
tin xã a 01:00
dự phòng xã n
rút xã n
khung xã 17:00 25p: dự phòng, a
khung xã 18:00 25p: dự phòng
→ 17:00:00-17:01:00 a
✗ 17:00:00 n withdrawn
✗ 18:00:00 n withdrawn

== relay | Tiếp sóng chiếm đúng thời lượng của nó
tin xã a 10:00
khung xã 17:00 60p: tiếp sóng 30p, a
→ 17:00:00-17:30:00 https://vov.vn/phat
→ 17:30:00-17:40:00 a

== midnight | Khung qua nửa đêm giao thừa, tỉnh ký cho phép: phát liền một mạch qua 00:00
ngày 05/02/2027
tin xã a 20:00
tin xã b 20:00
khung xã 23:50 60p: a, b
chính sách tỉnh ngoại lệ 05/02/2027 23:00-24:00
chính sách tỉnh ngoại lệ 06/02/2027 00:00-02:00
→ 23:50:00-00:10:00 a
→ 00:10:00-00:30:00 b

== after_midnight | Khung 00:30 thuộc ngày phát thanh hôm trước
ngày 05/02/2027
tin xã a 10:00
khung xã 00:30 30p: a
chính sách tỉnh ngoại lệ 06/02/2027 00:00-02:00
→ 00:30:00-00:40:00 a

== three_in_the_morning | Không tin nào chạy qua 03:00
ngày 05/02/2027
tin xã a 20:00
tin xã b 10:00
khung xã 02:50 60p: a, b
chính sách tỉnh ngoại lệ 06/02/2027 00:00-05:00
→ 02:50:00-03:00:00 b
✗ 02:50:00 a across_day_end

== quiet_evening | Ngoài 05:00-21:00 không phát: tin không xong trước 21:00 thì thôi
tin xã a 10:00
tin xã b 05:00
tin xã c 10:00
khung xã 20:45 60p: a, c, b
→ 20:45:00-20:55:00 a
→ 20:55:00-21:00:00 b
✗ 20:55:00 c quiet_hours

== quiet_morning | Khung 04:55 rơi vào giờ yên tĩnh
tin xã a 10:00
khung xã 04:55 60p: a
✗ 04:55:00 a quiet_hours

== tightened_hours | Xã chỉ cho phát 06:00-20:00; tỉnh ưu tiên cũng theo
tin xã a 10:00
tin tỉnh x 02:00
khung xã 20:30 60p: a
khung tỉnh 05:30 60p ưu tiên: x
chính sách xã giờ 06:00-20:00
✗ 05:30:00 x quiet_hours
✗ 20:30:00 a quiet_hours

== exception | Tỉnh ký ngoại lệ 21:00-22:00 cho xã này: phát liền qua 21:00
tin xã a 10:00
tin xã b 10:00
khung xã 20:55 60p: a, b
chính sách tỉnh ngoại lệ 20/12/2026 21:00-22:00
→ 20:55:00-21:05:00 a
→ 21:05:00-21:15:00 b

== exception_elsewhere | Ngoại lệ của xã khác, hoặc do xã tự ký, không có tác dụng
tin xã a 10:00
khung xã 21:10 60p: a
chính sách tỉnh ngoại lệ 20/12/2026 21:00-22:00 ở 08/00700
chính sách xã ngoại lệ 20/12/2026 21:00-22:00
✗ 21:10:00 a quiet_hours

== too_long | Chính sách cho mỗi tin dài nhất 5 phút
tin xã a 05:01
tin xã b 05:00
khung xã 17:00 60p: a, b
chính sách xã tin 05:00
→ 17:00:00-17:05:00 b
✗ 17:00:00 a too_long

== two_languages | Thôn người Mông nghe tiếng Việt rồi tiếng Mông
cụm 08/00694/07 tiếng vi,hmn
tin xã a hmn 12:00 + vi 10:00
tin xã b 05:00
khung xã 17:00 60p: a, b
→ 17:00:00-17:10:00 a
→ 17:10:00-17:22:00 a hmn
→ 17:22:00-17:27:00 b

== other_language | Thôn chỉ nghe tiếng Mông; tin không có tiếng Mông thì nói rõ
cụm 08/00694/07 tiếng hmn
tin xã a hmn 12:00 + vi 10:00
tin xã b 05:00
khung xã 17:00 60p: a, b
→ 17:00:00-17:12:00 a hmn
✗ 17:12:00 b no_rendition

== language_at_closing_time | Tiếng Việt kịp trước 21:00, tiếng Mông thì không
cụm 08/00694/07 tiếng vi,hmn
tin xã a hmn 12:00 + vi 10:00
khung xã 20:45 60p: a
→ 20:45:00-20:55:00 a
✗ 20:55:00 a hmn quiet_hours

== policy_languages | Chính sách chỉ cho tiếng Việt
cụm 08/00694/07 tiếng hmn,vi
tin xã a hmn 12:00 + vi 10:00
khung xã 17:00 60p: a
chính sách xã tiếng vi
→ 17:00:00-17:10:00 a

== board | Bảng tin hiện chữ 20 giây, ảnh 15 giây, phim theo độ dài; không phát tiếng
bảng 08/00694
tin xã a vi 10:00 + vi chữ 1 + vi ảnh + vi phim 01:30
tin xã b 10:00
khung xã 17:00 60p: a, b
→ 17:00:00-17:00:20 a
→ 17:00:20-17:00:35 a
→ 17:00:35-17:02:05 a
✗ 17:02:05 b no_rendition

== board_long_text | Chữ dài thì để đủ lâu cho người ta đọc
bảng 08/00694
tin xã a chữ 250
khung xã 17:00 60p: a
→ 17:00:00-17:01:00 a

== targets | Khung chỉ dành cho cụm, nhãn, tiếng, vùng được nêu
cụm 08/00694/07 tiếng vi,hmn nhãn cho
tin xã a 01:00
tin xã b 02:00
tin xã c 03:00
tin xã d 04:00
tin xã e 05:00
khung xã 17:00 10p cho cluster:c1: a
khung xã 17:10 10p cho cluster:c2,tag:cho: b
khung xã 17:20 10p cho lang:hmn: c
khung xã 17:30 10p cho area:08/00694/07: d
khung xã 17:40 10p cho cluster:c2,board:c1,tag:xa,lang:tyz,area:08/00694/0: e
→ 17:00:00-17:01:00 a
→ 17:10:00-17:12:00 b
→ 17:20:00-17:23:00 c
→ 17:30:00-17:34:00 d
✗ 17:40:00 khung not_targeted

== special_mute | Quốc tang: tỉnh cho im cả ngày, kể cả khung của xã và của tỉnh
tin xã a 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung tỉnh 18:00 30p ưu tiên: x
ngày lễ tỉnh 19/12/2026-20/12/2026 im
✗ 17:00:00 khung special_day_mutes
✗ 18:00:00 khung special_day_mutes

== special_over | Hết ngày thì tự trở lại như cũ
ngày 21/12/2026
tin xã a 10:00
khung xã 17:00 60p: a
ngày lễ tỉnh 19/12/2026-20/12/2026 im
→ 17:00:00-17:10:00 a

== special_replace | Tết: xã thay khung thường bằng khung tết; ưu tiên của tỉnh vẫn phát
tin xã a 10:00
tin xã tet 03:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung tỉnh 17:01 30p ưu tiên: x
ngày lễ xã 20/12/2026-22/12/2026 thay
khung lễ xã 17:00 60p: tet
→ 17:00:00-17:03:00 tet
→ 17:03:00-17:05:00 x
✗ 17:00:00 khung special_day_replaces

== special_drop | Ngày bầu cử bỏ nhạc, cả trong quỹ dự phòng
tin xã a 10:00
tin xã n 03:00 nhạc
tin xã m 08:00
dự phòng xã n m
khung xã 17:00 15p: n, a, dự phòng
ngày lễ tỉnh 20/12/2026-20/12/2026 bỏ nhạc
→ 17:00:00-17:10:00 a
→ 17:10:00-17:18:00 m
✗ 17:00:00 n special_day_drops
✗ 17:10:00 n special_day_drops

== special_elsewhere | Ngày lễ chỉ dành cho cụm khác
tin xã a 10:00
khung xã 17:00 60p: a
ngày lễ xã 20/12/2026-20/12/2026 im cho cluster:c2
→ 17:00:00-17:10:00 a

== special_below_special | Tỉnh cho im thì khung lễ của xã cũng im
tin xã tet 03:00
ngày lễ xã 20/12/2026-20/12/2026 thay
khung lễ xã 17:00 60p: tet
tin tỉnh x 02:00
ngày lễ tỉnh 20/12/2026-20/12/2026 im
khung lễ tỉnh 17:10 60p ưu tiên: x
→ 17:10:00-17:12:00 x
✗ 17:00:00 khung special_day_mutes

== muted | Tắt tiếng 17:05-17:12: tin đang nói dừng ở 17:05, tin bắt đầu trong lúc tắt thì thôi, tin sau giữ giờ của nó
tin xã a 10:00
tin xã b 05:00
tin xã c 05:00
khung xã 17:00 60p: a, b, c
tắt tiếng 17:05-17:12
→ 17:00:00-17:05:00 a
→ 17:15:00-17:20:00 c
✗ 17:10:00 b muted

== muted_at_the_second | Tắt tiếng đúng giây tin bắt đầu: tin đó không phát
tin xã a 10:00
tin xã b 05:00
khung xã 17:00 60p: a, b
tắt tiếng 17:10-17:11
→ 17:00:00-17:10:00 a
✗ 17:10:00 b muted

== battery | Mất điện, pin 80%: chỉ tin ưu tiên; giờ của các tin không xê dịch
tin xã a 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung tỉnh 17:05 30p ưu tiên: x
nguồn pin 80
→ 17:10:00-17:12:00 x
✗ 17:00:00 a on_battery

== battery_low | Pin dưới 30%: chỉ còn khẩn cấp
tin xã a 10:00
tin tỉnh x 02:00
khung xã 17:00 60p: a
khung tỉnh 17:05 30p ưu tiên: x
nguồn pin 29
✗ 17:00:00 a battery_low
✗ 17:10:00 x battery_low

== no_time | Máy không biết giờ: chỉ khung "mọi lúc"
tin xã a 10:00
tin xã b 10:00
khung xã 17:00 60p: a
khung xã 18:00 60p mọi lúc: b
giờ không rõ
→ 18:00:00-18:10:00 b
✗ 17:00:00 a time_unknown

== not_this_day | Khung lặp thứ Hai, thứ Năm không phát Chủ nhật
tin xã a 10:00
khung xã 17:00 60p lặp T2,T5: a
khung xã 18:00 60p lặp CN: a
→ 18:00:00-18:10:00 a
"""


@pytest.mark.parametrize("story", stories(CASES), ids=lambda story: story.slug)
def test_the_day_plays_as_told(story):
    assert told(story.plan()) == (story.plays, story.omissions), story.title


RULES = """
lặp ngày 31 từ 31/01/2027            | 31/01 31/03 31/05 31/07 31/08 31/10 31/12
lặp ngày -1 từ 01/01/2027            | 31/01 28/02 31/03 30/04 31/05 30/06 31/07 31/08 30/09 31/10 30/11 31/12
lặp ngày 29 từ 29/12/2026 đến 31/03/2027 | 29/01 29/03
cách 6 tháng từ 30/08/2026           | 30/08
cách 3 tháng từ 30/09/2026           | 30/03 30/06 30/09 30/12
cách 4 tháng lặp ngày 1,15 từ 20/11/2026 | 01/03 15/03 01/07 15/07 01/11 15/11
cách 2 tuần lặp T2,CN từ 30/12/2026 đến 31/01/2027 | 03/01 11/01 17/01 25/01 31/01
cách 4 tuần từ 02/01/2027 đến 31/03/2027 | 02/01 30/01 27/02 27/03
cách 50 ngày từ 01/01/2027           | 01/01 20/02 11/04 31/05 20/07 08/09 28/10 17/12
lặp T7 từ 01/01/2027 đến 31/01/2027 trừ 09/01/2027,23/01/2027 | 02/01 16/01 30/01
riêng 06/02/2027,07/02/2027,08/02/2027 trừ 07/02/2027 | 06/02 08/02
"""


@pytest.mark.parametrize("line", RULES.strip().splitlines())
def test_a_rule_names_its_days_of_2027(line):
    words, days = line.split("|")
    rule = recurrence(to_day("01/01/2027"), words.strip())
    year = [to_day("01/01/2027") + timedelta(days=n) for n in range(365)]
    assert " ".join(f"{day:%d/%m}" for day in year if occurs(rule, day)) == days.strip()


def test_the_29th_of_february_comes_in_leap_years_only():
    rule = recurrence(to_day("29/02/2024"), "cách 12 tháng từ 29/02/2024")
    days = [to_day("01/01/2024") + timedelta(days=n) for n in range(366 * 9)]
    assert [day.isoformat() for day in days if occurs(rule, day)] == ["2024-02-29", "2028-02-29", "2032-02-29"]
