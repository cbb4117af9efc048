# The side of a store that finds: instances by their UIDs and image ids, and answers about them.


cdef class Finder:
    """The look-ups of a store that are made most: methods of a Python class would take twice their time."""
    cdef readonly Places _index
    cdef public object _calibrations  # a provider of calibratedPixelSpacing, or None

    def __cinit__(self):
        self._index = Places()

    def instance(self, str uid not None, str series_instance_uid=None, str sop_instance_uid=None, /):
        """An instance by its SOPInstanceUID, or by the UIDs of its study and series and its own; None when it is not
        here.

        Examples
        --------
        >>> store = metalith.MetadataStore()
        >>> dataset = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "SOPInstanceUID": "1.2.3"}
        >>> added = store.add_instances(dataset)
        >>> store.instance("1.2.3") == store.instance("1", "1.2", "1.2.3")
        True
        """
        if series_instance_uid is None:
            return self._index.instance(uid)
        if sop_instance_uid is None:
            raise TypeError("instance takes a SOPInstanceUID, or the UIDs of study, series and instance")
        found = self._index.owned(sop_instance_uid)
        if found is None:
            return None
        series, instance = found
        here = series.study_instance_uid == uid and series.series_instance_uid == series_instance_uid
        return instance if here else None

    def instance_by_image_id(self, str image_id not None):
        """The instance that an image id stands for; None when it is not here.

        Ids with UIDs in them (`wadors:` and `wadouri:`, frames and all) need not be made known; `dicomfile:` and a
        path finds what was read from there; others are those of `add_image_ids`.
        """
        found = self._index.of_image(image_id)
        return self._instance_of_other(image_id) if found is None else found

    def get(self, type, image_id, *_, **__):
        """As a metadata provider: what `metalith.answers.answer` says of the instance that an image id stands for."""
        cdef Builder builder
        if not isinstance(image_id, str):
            return None
        instance = self._index.of_image(image_id)
        if instance is None:
            instance = self._instance_of_other(image_id)
            if instance is None:
                return None
        builder = _builder_of(type)
        if builder is not None and not (builder.takes_calibration() and self._calibrations is not None):
            made = _built(builder, instance, image_id)
            if made is not NotImplemented:
                return made
        return self._answer(type, instance, image_id)


    def get_lazily(self, type, list image_ids not None):
        """What `get` gives for each of many images, made when it is asked for; None where it is to be asked for each.

        Returns
        -------
        Selection or None
        """
        cdef Builder builder = _builder_of(type)
        if builder is None and isinstance(type, str):
            from metalith.modules.table import class_of
            class_of(type)  # whose file may not have been imported yet
            builder = _builder_of(type)
        if builder is None or (builder.takes_calibration() and self._calibrations is not None):
            return None
        try:
            return self.select(builder, type, image_ids)
        except Exception:  # of one image: whoever asks for each finds out for which
            return None

    cdef Selection select(self, Builder builder, object type, list image_ids):
        cdef Selection made = _selection(builder, image_ids)
        cdef dict known = {}                # number of each table in `made`, negative where rows may have no module
        cdef dict objects = {}              # views of frames, by table and row
        cdef InstanceTable table = None
        cdef Instance instance
        cdef ml_series_ids series
        cdef ml_place place
        cdef Py_ssize_t i
        cdef uint32_t row
        cdef int64_t frame = 0, number = 0
        series.length = 0
        place.table, place.row = 0, ML_NO_INDEX
        for i in range(made.count):
            made.table_of[i] = ML_NO_INDEX
            image_id = image_ids[i]
            if not isinstance(image_id, str):
                made.lacking += 1
                continue
            if self._index.place_of_image(image_id, &series, &place, &frame):
                found, row = self._index.tables[place.table], place.row
            else:
                place.row = ML_NO_INDEX
                instance = self.instance_by_image_id(image_id)
                if instance is None:
                    made.lacking += 1
                    continue
                found, row, frame = instance.table, instance.index, _frame_of(image_id)
            if found is not table:
                table = found
                number = known.get(<size_t><PyObject *>table, 0)
                if not number:
                    made.tables.append(table)
                    number = len(made.tables) if builder.is_sure(table) else -len(made.tables)
                    known[<size_t><PyObject *>table] = number
            if 0 <= frame <= 1 and _is_plain(table, row, frame == 1):
                made.table_of[i] = <uint32_t>(abs(number) - 1)
                made.rows[i] = row
                if number > 0 or made.at(i) is not None:
                    continue
                made.table_of[i] = ML_NO_INDEX
                made.lacking += 1
                continue
            answer = NotImplemented
            if frame > 0:
                views = objects.get((number, row))
                if views is None:
                    views = objects[number, row] = self._frames_of(_instance(table, row))
                view = (<FrameViews>views).view(frame)
                if view is not None:
                    answer = builder.make((<FrameViews>views).root, view)
            if answer is NotImplemented:
                answer = self._answer(type, _instance(table, row), image_id)
            if answer is None:
                made.lacking += 1
                continue
            made.made[i] = answer
            made.of_rows = False
        return made
